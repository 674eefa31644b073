// SPDX-License-Identifier: Apache-2.0
// Time as the deciding code sees it: handed in, never read. The acting folders read the monotonic clock once
// a loop turn or burst and pass it on, so that every decision can be replayed in a test.
#pragma once

#include <chrono>
#include <cstdint>

namespace headgate {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

// For acting folders only.
inline TimePoint monotonic_now() { return std::chrono::steady_clock::now(); }
inline int64_t unix_time_ms() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::milliseconds>(system_clock::now().time_since_epoch())
      .count();
}
inline int64_t unix_time_ns() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace headgate
