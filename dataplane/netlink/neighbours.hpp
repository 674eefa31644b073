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
  bool fixed = false;   // by an administrator, or since the link needs none: permanent, noarp
  bool gone = false;    // of an event: the kernel has dropped it

  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

Result<std::vector<Neighbour>> list_neighbours(Socket& socket);
// Of an event (RTMGRP_NEIGH); nothing where it is another kind's, or tells of no address (a bridge's).
std::optional<Neighbour> neighbour_of(const Message& event);
bool is_neighbour_event(const Message& event);
// The kernel asks for it now and again and again, and does not drop it while it has room
// (NTF_EXT_MANAGED, Linux 5.16). Not for one that is fixed, which would be no more.
Result<void> keep_neighbour(Socket& socket, int link_index, const IpAddress& address);
// The kernel asks for it now, as if it had a packet for it.
Result<void> ask_for_neighbour(Socket& socket, int link_index, const IpAddress& address);
// What was learned of it goes; the kernel asks anew when it needs it itself.
Result<void> forget_neighbour(Socket& socket, int link_index, const IpAddress& address);

}  // namespace headgate::netlink
