// SPDX-License-Identifier: Apache-2.0
// Neighbours: which MAC the kernel has learned for an address by ARP or ND. Thread: the socket's.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/netlink/socket.hpp"

namespace headgate::netlink {

struct Neighbour {
  int link_index = 0;
  IpAddress address;
  MacAddress mac{};
  bool usable = false;  // known and not given up on: reachable, stale, delay, probe, permanent, noarp

  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

Result<std::vector<Neighbour>> list_neighbours(Socket& socket);

}  // namespace headgate::netlink
