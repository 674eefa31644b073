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

// The one's complement sum of 64-bit words: the carry comes in again at the other end.
constexpr uint64_t add_around(uint64_t sum, uint64_t word) {
  sum += word;
  return sum + (sum < word);
}

// Of bytes that start at an even offset of what is summed; an odd last byte counts as if a zero followed. At
// most 33 bits, so that others can be added. Always inline: most sums are of one header, and where the
// compiler knows how long it is no loop is left.
[[gnu::always_inline]] inline ChecksumSum sum_bytes(std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  const std::byte* const end = at + bytes.size();
  const auto next = [&at](auto word) {
    std::memcpy(&word, at, sizeof word);
    at += sizeof word;
    return word;
  };
  uint64_t even = 0;  // two chains: neither waits for the other
  uint64_t odd = 0;
  while (end - at >= 16) {
    even = add_around(even, next(uint64_t{}));
    odd = add_around(odd, next(uint64_t{}));
  }
  const auto left_bytes = static_cast<std::size_t>(end - at);
  if ((left_bytes & 8) != 0) even = add_around(even, next(uint64_t{}));
  if ((left_bytes & 4) != 0) odd = add_around(odd, next(uint32_t{}));
  if ((left_bytes & 2) != 0) even = add_around(even, next(uint16_t{}));
  if ((left_bytes & 1) != 0)
    odd = add_around(odd, Be16(static_cast<uint16_t>(std::to_integer<unsigned>(*at) << 8)).raw());
  const uint64_t sum = add_around(even, odd);
  return (sum & 0xffffffff) + (sum >> 32);
}

// What TCP, UDP and ICMPv6 sum besides their own bytes (RFC 9293 section 3.1, RFC 8200 section 8.1).
inline ChecksumSum pseudo_header_sum(const Ipv4Header& ip, uint8_t protocol, uint32_t length_bytes) {
  return ChecksumSum{ip.src.raw()} + ip.dst.raw() + Be16(protocol).raw() + Be32(length_bytes).raw();
}
inline ChecksumSum pseudo_header_sum(const Ipv6Header& ip, uint8_t protocol, uint32_t length_bytes) {
  const auto* addresses = reinterpret_cast<const std::byte*>(ip.src.data());
  return sum_bytes({addresses, 2 * sizeof(Ipv6Bytes)}) + Be32(protocol).raw() + Be32(length_bytes).raw();
}

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
// The same by a delta that is folded already.
constexpr void update_checksum(Be16& field, uint16_t delta) {
  uint32_t sum = static_cast<uint16_t>(~field.raw()) + uint32_t{delta};
  sum += sum >> 16;
  field = Be16::from_raw(static_cast<uint16_t>(~sum));
}

}  // namespace headgate
