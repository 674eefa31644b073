// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/checksum.hpp"

namespace headgate {

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
