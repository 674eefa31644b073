// SPDX-License-Identifier: Apache-2.0
// Slow start: an endpoint that became usable gets a share of its weight that grows evenly over a window, so
// that a cold process is not met by its whole load at once. A function of time handed in. Pure.
#pragma once

#include <algorithm>
#include <chrono>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::l7 {

// When what has been so from the start began: before any clock of ours, and far from overflow.
inline constexpr TimePoint kLongAgo{-std::chrono::hours(24 * 365)};

// The part of its weight that an endpoint gets: from kSlowStartShareMin up to 1, never falling.
inline double slow_start_share(Duration since_usable, Duration window) {
  if (since_usable >= window) return 1;
  const double part =
      static_cast<double>(std::max<int64_t>(0, since_usable.count())) / static_cast<double>(window.count());
  return std::max(limits::kSlowStartShareMin, part);
}

}  // namespace headgate::l7
