// SPDX-License-Identifier: Apache-2.0
// EventBudget: how many events of a kind a peer may cause before it counts as abuse: so many at once, and so
// many a second in the long run (a token bucket). Pure: the clock is handed in. Thread: one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "dataplane/core/clock.hpp"

namespace headgate::shard::http2 {

class EventBudget {
 public:
  void start(uint32_t burst, uint32_t per_second, TimePoint now) {
    burst_ = left_ = burst;
    per_second_ = per_second;
    filled_ = now;
  }
  // False: over it.
  [[nodiscard]] bool spend(TimePoint now) {
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - filled_);
    if (passed.count() > 0) {
      left_ = std::min<uint64_t>(burst_, left_ + per_second_ * static_cast<uint64_t>(passed.count()));
      filled_ += passed;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  uint64_t burst_ = 0;
  uint64_t left_ = 0;
  uint64_t per_second_ = 0;
  TimePoint filled_;
};

}  // namespace headgate::shard::http2
