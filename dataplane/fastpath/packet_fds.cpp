// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/packet_fds.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <string>

#include <sys/socket.h>

namespace headgate::fastpath {
namespace {

bool carries_packets(int fd, const std::filesystem::path& link) {
  int domain = 0;
  socklen_t length = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0)
    return domain == AF_XDP || domain == AF_PACKET;
  std::error_code gone;
  return std::filesystem::read_symlink(link, gone) == "/dev/net/tun";
}

}  // namespace

std::vector<int> packet_fds() {
  std::vector<int> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (fd >= 0 && carries_packets(fd, entry.path())) found.push_back(fd);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace headgate::fastpath
