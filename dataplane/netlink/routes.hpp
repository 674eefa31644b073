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
Result<void> put_route(Socket& socket, const Route& route);
Result<void> remove_route(Socket& socket, const Route& route);

}  // namespace headgate::netlink
