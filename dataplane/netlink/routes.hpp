// SPDX-License-Identifier: Apache-2.0
// Unicast routes of the main table. Thread: the socket's.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/netlink/links.hpp"

namespace headgate::netlink {

struct Route {
  Prefix destination;  // of length 0: the default route of its family
  std::optional<IpAddress> gateway;
  std::optional<IpAddress> source;  // what the kernel chooses as source address
  int link_index = 0;
  uint32_t metric = 0;

  friend bool operator==(const Route&, const Route&) = default;
};

// A multipath route counts once for each of its links.
Result<std::vector<Route>> list_routes(Socket& socket);
// Which way the kernel would send a packet to an address, by all of its tables and rules.
struct Way {
  int link_index = 0;
  std::optional<IpAddress> gateway;  // none: it is a neighbour
  std::optional<IpAddress> source;   // what the kernel would choose as source address
  bool is_local = false;             // an address of this machine

  friend bool operator==(const Way&, const Way&) = default;
};
// Nothing where there is none.
Result<std::optional<Way>> find_way(Socket& socket, const IpAddress& to);
Result<void> put_route(Socket& socket, const Route& route);
Result<void> remove_route(Socket& socket, const Route& route);

}  // namespace headgate::netlink
