// SPDX-License-Identifier: Apache-2.0
// RestartPolicy: how long to wait before a process that died is started again, and whether it dies so often
// that an operator must look. Pure: time is handed in. Thread: any one.
#pragma once

#include <deque>

#include "dataplane/core/clock.hpp"

namespace headgate::node {

class RestartPolicy {
 public:
  // The wait before the next start of a process that died at `now` after having lived for `lived`.
  [[nodiscard]] Duration on_death(TimePoint now, Duration lived);
  // kCrashLoopDeaths early deaths within kCrashLoopWindow.
  bool crash_loop(TimePoint now) const;

 private:
  std::deque<TimePoint> early_deaths_;  // at most kCrashLoopDeaths
  Duration next_delay_{};               // zero: the next death is the first of its series
};

}  // namespace headgate::node
