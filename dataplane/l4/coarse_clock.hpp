// SPDX-License-Identifier: Apache-2.0
// Tick: time as a flow entry keeps it, in ten bits that wrap after 68 minutes. Whatever is kept must be
// looked at before half of that has passed, or it would look young again: FlowTable's sweep does. Values; any
// thread.
#pragma once

#include <chrono>
#include <cstdint>

#include "dataplane/core/clock.hpp"

namespace headgate::l4 {

class Tick {
 public:
  static constexpr auto kLength = std::chrono::seconds(4);
  static constexpr unsigned kBits = 10;
  static constexpr uint32_t kMask = (1u << kBits) - 1;

  constexpr Tick() = default;
  explicit constexpr Tick(uint32_t number) : number_(number & kMask) {}
  static constexpr Tick at(TimePoint now) {
    return Tick(static_cast<uint32_t>(now.time_since_epoch() / kLength));
  }
  constexpr uint32_t number() const { return number_; }
  // How many ticks ago `earlier` was.
  constexpr uint32_t since(Tick earlier) const { return (number_ - earlier.number_) & kMask; }
  friend constexpr bool operator==(Tick, Tick) = default;

 private:
  uint32_t number_ = 0;
};

constexpr uint32_t ticks(std::chrono::seconds duration) {
  return static_cast<uint32_t>(duration / Tick::kLength);
}

}  // namespace headgate::l4
