// SPDX-License-Identifier: Apache-2.0
// FlowEntry: what a worker remembers of a flow, in 32 bits: the target's id, how far the flow has come, when
// it was last seen. Zero is "no flow". Plain value.
#pragma once

#include <cstdint>

#include "dataplane/core/limits.hpp"
#include "dataplane/l4/coarse_clock.hpp"

namespace headgate::l4 {

enum class FlowState : uint8_t {
  kNone,
  kNew,          // one side has been heard once: what a flood of forged packets would fill the table with
  kEstablished,  // heard again: evicted last
  kClosing,      // FIN or RST was seen
};

class FlowEntry {
 public:
  constexpr FlowEntry() = default;
  constexpr FlowEntry(uint32_t target_id, FlowState state, Tick seen)
      : raw_(target_id << 12 | static_cast<uint32_t>(state) << Tick::kBits | seen.number()) {}

  constexpr uint32_t target_id() const { return raw_ >> 12; }
  constexpr FlowState state() const { return static_cast<FlowState>(raw_ >> Tick::kBits & 3); }
  constexpr Tick seen() const { return Tick(raw_ & Tick::kMask); }
  constexpr bool empty() const { return state() == FlowState::kNone; }
  // What was seen in this tick is not, and nearly every packet's flow was.
  constexpr bool expired(Tick now) const {
    return seen() != now && now.since(seen()) > lifetime_ticks(state());
  }
  friend constexpr bool operator==(FlowEntry, FlowEntry) = default;

  static constexpr uint32_t lifetime_ticks(FlowState state) {
    using std::chrono::seconds;
    switch (state) {
      case FlowState::kNew:
        return ticks(seconds(60));
      case FlowState::kEstablished:
        return ticks(seconds(1800));
      case FlowState::kClosing:
        return ticks(seconds(16));
      case FlowState::kNone:
        break;
    }
    return 0;
  }

 private:
  uint32_t raw_ = 0;
};
static_assert(limits::kTargetIdsMax == 1u << (32 - 2 - Tick::kBits));
static_assert(FlowEntry::lifetime_ticks(FlowState::kEstablished) < Tick::kMask / 2);

}  // namespace headgate::l4
