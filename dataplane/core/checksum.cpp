// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/checksum.hpp"

namespace headgate {

ChecksumSum delta_of(const Ipv6Bytes& from, const Ipv6Bytes& to) {
  const auto from_sum = fold(sum_bytes(std::as_bytes(std::span(from))));
  const auto to_sum = fold(sum_bytes(std::as_bytes(std::span(to))));
  return static_cast<uint16_t>(~from_sum) + ChecksumSum{to_sum};
}

}  // namespace headgate
