// SPDX-License-Identifier: Apache-2.0
// When a backend counts as down and when as up again: after `fall` failures in a row, and after `rise`
// successes in a row. Until the first of these it is usable. Pure; any thread.
#pragma once

#include <cstdint>

namespace headgate::node {

struct HysteresisRule {
  uint32_t rise = 2;
  uint32_t fall = 3;
};

struct HysteresisState {
  bool usable = true;
  uint32_t run = 0;  // results in a row that speak against `usable`

  friend bool operator==(const HysteresisState&, const HysteresisState&) = default;
};

// The state after one more probe. A rule of 0 counts as 1: one result is the least that can prove anything.
constexpr HysteresisState after_probe(HysteresisState state, bool succeeded, const HysteresisRule& rule) {
  if (succeeded == state.usable) return {state.usable, 0};
  const uint32_t needed = state.usable ? rule.fall : rule.rise;
  // At the bound at once: a rule that was made stricter while the run grew is met, never passed by.
  if (state.run + 1 >= needed) return {!state.usable, 0};
  return {state.usable, state.run + 1};
}

}  // namespace headgate::node
