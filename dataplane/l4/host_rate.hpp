// SPDX-License-Identifier: Apache-2.0
// HostRate: a token bucket a class of what goes to the kernel without being balanced, so that a flood of ARP
// or pings costs the machine no more than it can bear. Thread: one worker's.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/core/limits.hpp"
#include "dataplane/l4/token_bucket.hpp"

namespace headgate::l4 {

enum class HostClass : uint8_t { kNeighbour, kIcmp, kOther };

class HostRate {
 public:
  [[nodiscard]] bool allow(HostClass which, TimePoint now) {
    return buckets_[static_cast<std::size_t>(which)].take(now);
  }

 private:
  std::array<TokenBucket, 3> buckets_{TokenBucket{limits::kHostNeighbourPpsMax},
                                      TokenBucket{limits::kHostIcmpPpsMax},
                                      TokenBucket{limits::kHostOtherPpsMax}};
};

}  // namespace headgate::l4
