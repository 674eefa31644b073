// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071) and its incremental update (RFC 1624, equation 3: HC' = ~(~HC + ~m + m')).
// Sums are of 16-bit words as they lie in memory: the one's complement sum is the same in either byte order,
// so nothing is swapped. Pure; any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate {

// A sum not yet folded: any number of 16-bit words may be added before fold().
using ChecksumSum = uint64_t;

// Both halves added to themselves turned around: the carry of the lower sum is the upper one's end-around
// carry.
constexpr uint16_t fold(ChecksumSum sum) {
  sum += std::rotl(sum, 32);
  auto half = static_cast<uint32_t>(sum >> 32);
  half += std::rotl(half, 16);
  return static_cast<uint16_t>(half >> 16);
}

// Of bytes that start at an even offset of what is summed; an odd last byte counts as if a zero followed.
// 32-bit words into 64-bit sums: no carry is lost before 2^32 words. Inline: most sums are of one header.
inline ChecksumSum sum_bytes(std::span<const std::byte> bytes) {
  const auto load = [](auto& word, const std::byte*& from) {
    std::memcpy(&word, from, sizeof word);
    from += sizeof word;
  };
  const std::byte* at = bytes.data();
  std::size_t left_bytes = bytes.size();
  uint64_t eight = 0;
  uint32_t four = 0;
  uint16_t two = 0;
  ChecksumSum low = 0;  // two chains: neither waits for the other
  ChecksumSum high = 0;
  for (; left_bytes >= 8; left_bytes -= 8) {
    load(eight, at);
    low += eight & 0xffffffff;
    high += eight >> 32;
  }
  if ((left_bytes & 4) != 0) load(four, at);
  if ((left_bytes & 2) != 0) load(two, at);
  if ((left_bytes & 1) != 0) low += Be16(static_cast<uint16_t>(std::to_integer<unsigned>(*at) << 8)).raw();
  return low + high + four + two;
}

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
