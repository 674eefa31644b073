// SPDX-License-Identifier: Apache-2.0
// Surroundings: what a table must know of the network that packets are forwarded in, as the kernel has it. A
// value; any thread.
#pragma once

#include <cstdint>
#include <map>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/mac_address.hpp"

namespace headgate::l4 {

struct Surroundings {
  // By destination: this machine's own address, from which tunnels and fullnat lead there; without one no
  // packet does.
  std::map<IpAddress, IpAddress> sources = {};
  uint16_t mtu_bytes = 1500;  // of the uplink: the longest IP packet
  MacAddress uplink_mac{};
  bool answers_may_come_to_others = false;  // to another worker than that which knows the flow

  friend bool operator==(const Surroundings&, const Surroundings&) = default;
};

}  // namespace headgate::l4
