// SPDX-License-Identifier: Apache-2.0
// RetryDelay: how long to wait before the next try of something that failed: doubling, bounded, and spread at
// random, so that many nodes do not come back to a restarted headgated in the same instant ("full jitter":
// Brooker, "Exponential Backoff And Jitter"). Pure: the random number is handed in. Thread: any one.
#pragma once

#include <algorithm>

#include "dataplane/core/clock.hpp"

namespace headgate::node {

class RetryDelay {
 public:
  RetryDelay(Duration min, Duration max) : min_(min), max_(max), ceiling_(min) {}

  // `random`: uniform in [0, 1). Never less than the minimum: a loop of failures must not spin.
  [[nodiscard]] Duration next(double random) {
    const auto spread = std::chrono::duration<double, std::nano>(ceiling_ - min_) * random;
    const Duration delay = min_ + std::chrono::duration_cast<Duration>(spread);
    ceiling_ = std::min(2 * ceiling_, max_);
    return delay;
  }
  void succeeded() { ceiling_ = min_; }

 private:
  Duration min_, max_, ceiling_;
};

}  // namespace headgate::node
