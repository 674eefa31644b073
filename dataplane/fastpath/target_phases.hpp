// SPDX-License-Identifier: Apache-2.0
// TargetPhases: what of targets depends on how long something has lasted: one that became usable takes a
// growing share of new flows (slow start), one that drains, or has gone, keeps its flows for so long and no
// longer (drain timeout). Pure: the time is handed in. Thread: control.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "dataplane/core/clock.hpp"

namespace headgate::fastpath {

class TargetPhases {
 public:
  struct Rules {
    std::optional<Duration> slow_start;
    std::optional<Duration> drain_timeout;  // none: flows end by themselves
  };
  struct State {
    Rules rules;
    bool usable = true;
    bool drains = false;  // or has gone
  };
  using States = std::map<uint32_t, State>;  // by target id

  // All there are. What was never seen before starts slowly, but in the very first.
  void update(const States& states, TimePoint now);

  bool is_usable(uint32_t id) const;  // false where it is not known
  // Of the new flows that fall to it, from limits::kSlowStartShareMin to 1; 1 where it does not start.
  double share(uint32_t id, TimePoint now) const;
  // Those whose flows go elsewhere now.
  std::set<uint32_t> ended(TimePoint now) const;
  // When one of these answers changes by itself, after `since`; none: it does not. May be past.
  std::optional<TimePoint> next_change(TimePoint since) const;

 private:
  struct Phase {
    State state;
    std::optional<TimePoint> started;   // while it starts slowly
    std::optional<TimePoint> draining;  // since
  };
  static std::optional<TimePoint> end_of_start(const Phase& phase);
  static std::optional<TimePoint> end_of_drain(const Phase& phase);

  std::map<uint32_t, Phase> phases_;
  bool is_first_ = true;
};

}  // namespace headgate::fastpath
