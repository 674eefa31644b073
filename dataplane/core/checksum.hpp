// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071) and its incremental update (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')).
// Sums are of 16-bit words as they lie in memory: the one's complement sum is the same in either byte order,
// so nothing is swapped. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate {

// A sum not yet folded: any number of 16-bit words may be added before fold().
using ChecksumSum = uint64_t;

constexpr uint16_t fold(ChecksumSum sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>((sum & 0xffff) + (sum >> 16));
}

// Of bytes that start at an even offset of what is summed; an odd last byte counts as if a zero followed.
ChecksumSum sum_bytes(std::span<const std::byte> bytes);

// What TCP, UDP and ICMPv6 sum besides their own bytes (RFC 9293 section 3.1, RFC 8200 section 8.1).
ChecksumSum pseudo_header_sum(const Ipv4Header& ip, uint8_t protocol, uint32_t length_bytes);
ChecksumSum pseudo_header_sum(const Ipv6Header& ip, uint8_t protocol, uint32_t length_bytes);

// What goes into the checksum field for this sum over all that it covers, the field itself taken as zero.
constexpr Be16 finish_checksum(ChecksumSum sum) { return Be16::from_raw(static_cast<uint16_t>(~fold(sum))); }

// The change of a sum when `from` becomes `to`: build it once for a whole rewrite, apply it to many packets.
constexpr ChecksumSum delta_of(Be16 from, Be16 to) {
  return static_cast<uint16_t>(~from.raw()) + ChecksumSum{to.raw()};
}
constexpr ChecksumSum delta_of(Be32 from, Be32 to) {
  const uint32_t inverted = ~from.raw();
  return (inverted & 0xffff) + (inverted >> 16) + (to.raw() & 0xffff) + ChecksumSum{to.raw() >> 16};
}
ChecksumSum delta_of(const Ipv6Bytes& from, const Ipv6Bytes& to);

// Equation 3 of RFC 1624: unlike equation 4 it never makes 0xffff of what must stay 0x0000.
constexpr void update_checksum(Be16& field, ChecksumSum delta) {
  field = finish_checksum(static_cast<uint16_t>(~field.raw()) + delta);
}

}  // namespace headgate
