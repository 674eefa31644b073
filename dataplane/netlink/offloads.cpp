// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/offloads.hpp"

#include <cerrno>
#include <cstring>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "dataplane/core/unique_fd.hpp"

namespace headgate::netlink {
namespace {

uint32_t command_of(Offload offload) {
  switch (offload) {
    case Offload::kTxChecksum:
      return ETHTOOL_STXCSUM;
    case Offload::kTcpSegmentation:
      return ETHTOOL_STSO;
    case Offload::kGenericSegmentation:
      return ETHTOOL_SGSO;
    case Offload::kGenericReceive:
      return ETHTOOL_SGRO;
  }
  return 0;
}

}  // namespace

Result<void> switch_off(const std::string& interface, Offload offload) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error(errno, "opening a socket for ethtool");
  ethtool_value value{command_of(offload), 0};
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), sizeof request.ifr_name - 1);
  request.ifr_data = reinterpret_cast<char*>(&value);
  if (::ioctl(fd.get(), SIOCETHTOOL, &request) == 0 || errno == EOPNOTSUPP) return {};
  return system_error(errno, "switching an offload of " + interface + " off");
}

}  // namespace headgate::netlink
