// SPDX-License-Identifier: Apache-2.0
// Keys of what the configuration knows by address, as bytes without padding. Values; any thread.
#pragma once

#include <cstdint>

#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::l4 {

// One (address, port, protocol).
struct ServiceKeyV4 {
  Be32 address{};
  Be16 port{};
  uint8_t protocol = 0;
  uint8_t zero = 0;
};
struct ServiceKeyV6 {
  Ipv6Bytes address{};
  Be16 port{};
  uint8_t protocol = 0;
  uint8_t zero[5] = {};
};
struct AddressKeyV4 {
  Be32 address{};
  Be32 zero{};
};
struct AddressKeyV6 {
  Ipv6Bytes address{};
};

}  // namespace headgate::l4
