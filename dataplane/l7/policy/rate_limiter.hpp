// SPDX-License-Identifier: Apache-2.0
// RateLimiter: so many requests in a period, so many of them at once, by key: a token bucket in the form of
// GCRA (ITU-T I.371), whose whole state is the time at which the bucket would be full again. One for each
// policy and process; all threads count in it. A table of fixed size remembers the keys: a bucket that is
// full again is worth nothing and gives up its place, so a key is only forgotten early where more than
// kRateLimitKeysMax are limited at once; then the one that is nearest to full goes.
//
// Threads: all, without a lock. Two threads that take the last token at once cannot both have it; two that
// claim a place for different keys at once may blur one count by one.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "dataplane/contract/filters.hpp"

namespace headgate::l7::policy {

class RateLimiter {
 public:
  using Nanos = std::chrono::nanoseconds;

  explicit RateLimiter(const contract::RateLimit& limit);

  // Zero: it may pass, and is counted. Else how long until one may. `now` never goes back by much.
  [[nodiscard]] Nanos take(uint64_t key_hash, Nanos now);

 private:
  static constexpr std::size_t kWays = 4;
  struct Place {
    std::atomic<uint64_t> key{0};
    std::atomic<int64_t> full_at_ns{0};  // any thread: reads and writes
  };
  using Set = std::array<Place, kWays>;

  Place& place_of(uint64_t key_hash);

  int64_t interval_ns_;  // between two tokens
  int64_t burst_ns_;     // how far ahead of the clock a bucket may be emptied
  std::size_t set_mask_;
  std::unique_ptr<Set[]> sets_;
};

}  // namespace headgate::l7::policy
