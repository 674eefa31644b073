// SPDX-License-Identifier: Apache-2.0
// BodyPace: how far a client that holds a body up has fallen behind the slowest pace that it may have. Only
// the time in which it owes bytes, or room for them, counts; what it moves above the pace is not saved up for
// later, so that a fast beginning pays for no byte a second after it. Pure. Thread: one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "dataplane/core/clock.hpp"

namespace headgate::shard {

class BodyPace {
 public:
  // From `now` on the client owes, or does not. `moved_bytes`: in either direction, since the exchange began;
  // `rate_min`: bytes a second; 0: any pace will do.
  void update(TimePoint now, bool owes, uint64_t moved_bytes, uint32_t rate_min) {
    if (rate_min != 0) {
      const Duration owed = owed_since_ ? now - *owed_since_ : Duration{0};
      const std::chrono::duration<double> earned(static_cast<double>(moved_bytes - moved_bytes_) / rate_min);
      const auto lost = std::chrono::duration<double>(behind_ + owed) - earned;
      behind_ = std::max(Duration{0}, std::chrono::duration_cast<Duration>(lost));
    }
    owed_since_ = owes ? std::optional(now) : std::nullopt;
    moved_bytes_ = moved_bytes;
  }

  Duration behind() const { return behind_; }
  uint64_t moved_bytes() const { return moved_bytes_; }  // at the last update

 private:
  Duration behind_{0};
  std::optional<TimePoint> owed_since_;
  uint64_t moved_bytes_ = 0;
};

}  // namespace headgate::shard
