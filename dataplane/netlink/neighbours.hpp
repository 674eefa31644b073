// SPDX-License-Identifier: Apache-2.0
// Neighbours: which MAC the kernel has learned for an address by ARP or ND. Thread: the socket's.
#pragma once

#include <cstdint>
#include <optional>
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
// Of an event (RTMGRP_NEIGH); one that was forgotten is not usable. Nothing where it is another kind's.
std::optional<Neighbour> neighbour_of(const Message& event);
// The kernel asks for it now and again and again, as long as it knows of it (NTF_EXT_MANAGED, Linux 5.16).
Result<void> keep_neighbour(Socket& socket, int link_index, const IpAddress& address);
// What was learned of it goes; the kernel asks anew when it needs it itself.
Result<void> forget_neighbour(Socket& socket, int link_index, const IpAddress& address);

}  // namespace headgate::netlink
