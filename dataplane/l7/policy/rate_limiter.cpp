// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/rate_limiter.hpp"

#include <algorithm>
#include <bit>

#include "dataplane/core/limits.hpp"

namespace headgate::l7::policy {
namespace {

static_assert(std::has_single_bit(limits::kRateLimitKeysMax));

// Whatever is configured, the sums below fit 63 bits.
int64_t interval_of(const contract::RateLimit& limit) {
  const auto period = std::clamp<std::chrono::nanoseconds>(limit.period, std::chrono::milliseconds(1),
                                                           limits::kRateLimitPeriodMax);
  return period.count() / std::max<int64_t>(limit.requests, 1);
}
int64_t burst_of(const contract::RateLimit& limit) {
  return std::clamp<int64_t>(limit.burst, 1, limits::kRateLimitBurstMax);
}
static_assert(std::chrono::nanoseconds(limits::kRateLimitPeriodMax).count() <
              INT64_MAX / 2 / static_cast<int64_t>(limits::kRateLimitBurstMax));

}  // namespace

RateLimiter::RateLimiter(const contract::RateLimit& limit)
    : interval_ns_(interval_of(limit)),
      burst_ns_(interval_ns_ * (burst_of(limit) - 1)),
      set_mask_(limit.key == contract::RateKey::kAll ? 0 : limits::kRateLimitKeysMax / kWays - 1),
      sets_(std::make_unique<Set[]>(set_mask_ + 1)) {}

RateLimiter::Nanos RateLimiter::take(uint64_t key_hash, Nanos now) {
  Place& place = place_of(key_hash);
  int64_t full_at_ns = place.full_at_ns.load(std::memory_order_relaxed);
  for (;;) {
    const int64_t ahead_ns = std::max<int64_t>(full_at_ns - now.count(), 0);
    if (ahead_ns > burst_ns_) return Nanos(ahead_ns - burst_ns_);
    if (place.full_at_ns.compare_exchange_weak(full_at_ns, now.count() + ahead_ns + interval_ns_,
                                               std::memory_order_relaxed))
      return Nanos(0);
  }
}

RateLimiter::Place& RateLimiter::place_of(uint64_t key_hash) {
  Set& set = sets_[key_hash & set_mask_];
  Place* fullest = &set.front();
  for (auto& place : set) {
    if (place.key.load(std::memory_order_relaxed) == key_hash) return place;
    if (place.full_at_ns.load(std::memory_order_relaxed) <
        fullest->full_at_ns.load(std::memory_order_relaxed))
      fullest = &place;
  }
  fullest->key.store(key_hash, std::memory_order_relaxed);
  fullest->full_at_ns.store(0, std::memory_order_relaxed);
  return *fullest;
}

}  // namespace headgate::l7::policy
