// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/target_phases.hpp"

#include <algorithm>

#include "dataplane/core/limits.hpp"

namespace headgate::fastpath {

void TargetPhases::update(const States& states, TimePoint now) {
  std::erase_if(phases_, [&](const auto& phase) { return !states.contains(phase.first); });
  for (const auto& [id, state] : states) {
    const auto [found, is_new] = phases_.try_emplace(id);
    Phase& phase = found->second;
    const bool was_usable = is_new ? is_first_ : phase.state.usable;
    if (!state.usable || !state.rules.slow_start)
      phase.started.reset();
    else if (!was_usable)
      phase.started = now;
    if (!state.drains)
      phase.draining.reset();
    else if (!phase.draining)
      phase.draining = now;
    phase.state = state;
  }
  is_first_ = is_first_ && states.empty();
}

std::optional<TimePoint> TargetPhases::end_of_start(const Phase& phase) {
  if (!phase.started) return std::nullopt;
  return *phase.started + *phase.state.rules.slow_start;
}

std::optional<TimePoint> TargetPhases::end_of_drain(const Phase& phase) {
  if (!phase.draining || !phase.state.rules.drain_timeout) return std::nullopt;
  return *phase.draining + *phase.state.rules.drain_timeout;
}

bool TargetPhases::is_usable(uint32_t id) const {
  const auto found = phases_.find(id);
  return found != phases_.end() && found->second.state.usable;
}

double TargetPhases::share(uint32_t id, TimePoint now) const {
  const auto found = phases_.find(id);
  if (found == phases_.end()) return 1;
  const auto end = end_of_start(found->second);
  if (!end || now >= *end) return 1;
  const auto whole = static_cast<double>(found->second.state.rules.slow_start->count());
  return std::max(limits::kSlowStartShareMin, 1 - static_cast<double>((*end - now).count()) / whole);
}

std::set<uint32_t> TargetPhases::ended(TimePoint now) const {
  std::set<uint32_t> ids;
  for (const auto& [id, phase] : phases_)
    if (const auto end = end_of_drain(phase); end && now >= *end) ids.insert(id);
  return ids;
}

std::optional<TimePoint> TargetPhases::next_change(TimePoint since) const {
  constexpr auto kStep = std::chrono::milliseconds(100);
  std::optional<TimePoint> next;
  const auto consider = [&](TimePoint when) { next = next ? std::min(*next, when) : when; };
  for (const auto& [id, phase] : phases_) {
    if (const auto end = end_of_start(phase); end && since < *end) consider(std::min(since + kStep, *end));
    if (const auto end = end_of_drain(phase); end && since < *end) consider(*end);
  }
  return next;
}

}  // namespace headgate::fastpath
