// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/checksum.hpp"

#include <cstring>

namespace headgate {
namespace {

template <typename Word>
Word load(const std::byte* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

}  // namespace

ChecksumSum sum_bytes(std::span<const std::byte> bytes) {
  const std::byte* at = bytes.data();
  std::size_t left_bytes = bytes.size();
  // 32-bit words into 64-bit sums: no carry is lost before 2^32 words, and two chains hide the add's latency.
  ChecksumSum even = 0;
  ChecksumSum odd = 0;
  for (; left_bytes >= 16; left_bytes -= 16, at += 16) {
    const auto first = load<uint64_t>(at);
    const auto second = load<uint64_t>(at + 8);
    even += (first & 0xffffffff) + (second & 0xffffffff);
    odd += (first >> 32) + (second >> 32);
  }
  for (; left_bytes >= 2; left_bytes -= 2, at += 2) even += load<uint16_t>(at);
  if (left_bytes != 0) even += Be16(static_cast<uint16_t>(std::to_integer<unsigned>(*at) << 8)).raw();
  return even + odd;
}

ChecksumSum pseudo_header_sum(const Ipv4Header& ip, uint8_t protocol, uint32_t length_bytes) {
  return ChecksumSum{ip.src.raw()} + ip.dst.raw() + Be16(protocol).raw() + Be32(length_bytes).raw();
}

ChecksumSum pseudo_header_sum(const Ipv6Header& ip, uint8_t protocol, uint32_t length_bytes) {
  const auto* addresses = reinterpret_cast<const std::byte*>(ip.src.data());
  return sum_bytes({addresses, 2 * sizeof(Ipv6Bytes)}) + Be32(protocol).raw() + Be32(length_bytes).raw();
}

ChecksumSum delta_of(const Ipv6Bytes& from, const Ipv6Bytes& to) {
  const auto from_sum = fold(sum_bytes(std::as_bytes(std::span(from))));
  const auto to_sum = fold(sum_bytes(std::as_bytes(std::span(to))));
  return static_cast<uint16_t>(~from_sum) + ChecksumSum{to_sum};
}

}  // namespace headgate
