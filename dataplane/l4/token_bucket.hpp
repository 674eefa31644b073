// SPDX-License-Identifier: Apache-2.0
// TokenBucket: so many a second; a tenth of a second's worth may come at once. Pure: the time is handed in.
// Thread: one worker's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "dataplane/core/clock.hpp"

namespace headgate::l4 {

class TokenBucket {
 public:
  explicit constexpr TokenBucket(uint64_t per_second) : per_second_(per_second) {}

  [[nodiscard]] bool take(TimePoint now) {
    if (tokens_ == 0) refill(now);
    if (tokens_ == 0) return false;
    --tokens_;
    return true;
  }
  void give_back() { ++tokens_; }

 private:
  void refill(TimePoint now) {
    constexpr auto kBurst = std::chrono::milliseconds(100);
    const auto passed = std::min<Duration>(now - filled_at_, kBurst);
    const auto tokens = per_second_ * static_cast<uint64_t>(passed.count()) / 1'000'000'000;
    if (tokens == 0) return;
    tokens_ = tokens;
    filled_at_ = now;
  }

  uint64_t per_second_;
  uint64_t tokens_ = 0;
  TimePoint filled_at_{};
};

}  // namespace headgate::l4
