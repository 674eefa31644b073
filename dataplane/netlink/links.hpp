// SPDX-License-Identifier: Apache-2.0
// Links: the machine's network interfaces. Thread: the socket's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/netlink/socket.hpp"

namespace headgate::netlink {

struct Link {
  int index = 0;
  std::string name;
  MacAddress mac{};
  uint32_t mtu_bytes = 0;
  bool up = false;       // as its administrator wants it
  bool running = false;  // and as its carrier is
  std::string alias;
  std::string kind;  // "veth", "bridge"; empty for hardware

  friend bool operator==(const Link&, const Link&) = default;
};

Result<std::vector<Link>> list_links(Socket& socket);
Result<std::optional<Link>> find_link(Socket& socket, const std::string& name);
// A pair of which the first end has this MAC (none: the kernel chooses one); both ends are down.
Result<void> create_veth(Socket& socket, const std::string& name, const std::optional<MacAddress>& mac,
                         const std::string& peer_name);
Result<void> set_link_up(Socket& socket, const Link& link);
Result<void> set_link_mtu(Socket& socket, const Link& link, uint32_t mtu_bytes);
// A note for people and for later processes, as `ip link` shows it.
Result<void> set_link_alias(Socket& socket, const Link& link, const std::string& alias);
Result<void> delete_link(Socket& socket, const Link& link);

}  // namespace headgate::netlink
