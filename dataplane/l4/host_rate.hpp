// SPDX-License-Identifier: Apache-2.0
// HostRate: a token bucket a class of what goes to the kernel without being balanced, so that a flood of ARP
// or pings costs the machine no more than it can bear. A tenth of a second's worth may come at once. Pure:
// the time is handed in. Thread: one worker's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::l4 {

enum class HostClass : uint8_t { kNeighbour, kIcmp, kOther };

class HostRate {
 public:
  [[nodiscard]] bool allow(HostClass which, TimePoint now) {
    Bucket& bucket = buckets_[static_cast<std::size_t>(which)];
    if (bucket.tokens == 0) refill(bucket, now);
    if (bucket.tokens == 0) return false;
    --bucket.tokens;
    return true;
  }

 private:
  struct Bucket {
    uint64_t per_second;
    uint64_t tokens = 0;
    TimePoint filled_at{};
  };

  static void refill(Bucket& bucket, TimePoint now) {
    constexpr auto kBurst = std::chrono::milliseconds(100);
    const auto passed = std::min<Duration>(now - bucket.filled_at, kBurst);
    const auto tokens = bucket.per_second * static_cast<uint64_t>(passed.count()) / 1'000'000'000;
    if (tokens == 0) return;
    bucket.tokens = tokens;
    bucket.filled_at = now;
  }

  std::array<Bucket, 3> buckets_{
      {{limits::kHostNeighbourPpsMax}, {limits::kHostIcmpPpsMax}, {limits::kHostOtherPpsMax}}};
};

}  // namespace headgate::l4
