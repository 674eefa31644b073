// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/restart_policy.hpp"

#include <algorithm>

#include "dataplane/core/limits.hpp"

namespace headgate::node {

Duration RestartPolicy::on_death(TimePoint now, Duration lived) {
  if (lived >= limits::kSettledAfter) {
    early_deaths_.clear();
    next_delay_ = Duration::zero();
  } else {
    early_deaths_.push_back(now);
    if (early_deaths_.size() > limits::kCrashLoopDeaths) early_deaths_.pop_front();
  }
  const Duration delay = std::max<Duration>(next_delay_, limits::kRestartBackoffMin);
  next_delay_ = std::min<Duration>(2 * delay, limits::kRestartBackoffMax);
  return delay;
}

bool RestartPolicy::crash_loop(TimePoint now) const {
  return early_deaths_.size() >= limits::kCrashLoopDeaths &&
         now - early_deaths_.front() <= limits::kCrashLoopWindow;
}

}  // namespace headgate::node
