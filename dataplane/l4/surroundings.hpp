// SPDX-License-Identifier: Apache-2.0
// Surroundings: what a table must know of the network that packets are forwarded in, as the kernel has it. A
// value; any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/mac_address.hpp"

namespace headgate::l4 {

struct Surroundings {
  // This machine's own addresses, where tunnels begin; without one there are none of that family.
  std::optional<IpAddress> source_v4 = {};
  std::optional<IpAddress> source_v6 = {};
  uint16_t mtu_bytes = 1500;  // of the uplink: the longest IP packet
  MacAddress uplink_mac{};

  const std::optional<IpAddress>& source_like(const IpAddress& address) const {
    return address.is_v6() ? source_v6 : source_v4;
  }
  friend bool operator==(const Surroundings&, const Surroundings&) = default;
};

}  // namespace headgate::l4
