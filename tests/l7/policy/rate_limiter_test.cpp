// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/rate_limiter.hpp"

#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::l7::policy {
namespace {

using namespace std::chrono_literals;
using Nanos = RateLimiter::Nanos;

contract::RateLimit limit(uint32_t requests, std::chrono::milliseconds period, uint32_t burst,
                          contract::RateKey key = contract::RateKey::kClient) {
  return {requests, period, burst, key, ""};
}

TEST(RateLimiter, LetsABurstPassAndThenTheRate) {
  RateLimiter limiter(limit(10, 1s, 3));
  Nanos now = 5s;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.take(1, now), 0ns);
  EXPECT_EQ(limiter.take(1, now), Nanos(100ms)) << "when the next may come";
  EXPECT_EQ(limiter.take(1, now + 99ms), Nanos(1ms)) << "a refused one costs nothing";
  EXPECT_EQ(limiter.take(1, now + 100ms), 0ns);
  EXPECT_NE(limiter.take(1, now + 100ms), 0ns);
  now += 1h;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limiter.take(1, now), 0ns) << "a rest fills the burst, and no more";
  EXPECT_NE(limiter.take(1, now), 0ns);
}

TEST(RateLimiter, KeysDoNotShare) {
  RateLimiter limiter(limit(1, 1s, 1));
  for (uint64_t key = 1; key <= 100; ++key) EXPECT_EQ(limiter.take(key * 0x9e3779b97f4a7c15, 1s), 0ns);
  for (uint64_t key = 1; key <= 100; ++key) EXPECT_NE(limiter.take(key * 0x9e3779b97f4a7c15, 1s), 0ns);
}

TEST(RateLimiter, ThroughputIsTheRateWhateverTheArrivals) {
  std::mt19937 random(7);
  RateLimiter limiter(limit(1'000, 1s, 50));
  uint64_t passed = 0;
  Nanos now = 1s;
  while (now < 11s) {
    now += std::chrono::microseconds(random() % 400);
    passed += limiter.take(1, now) == 0ns ? 1 : 0;
  }
  EXPECT_GE(passed, 9'990U);
  EXPECT_LE(passed, 10'050U + 1);
}

TEST(RateLimiter, MoreKeysThanPlacesForgetTheFullestAndStayInTheirMemory) {
  RateLimiter limiter(limit(1, 1h, 1));
  std::mt19937_64 random(3);
  for (std::size_t i = 0; i < 10 * limits::kRateLimitKeysMax; ++i) EXPECT_EQ(limiter.take(random(), 1s), 0ns);
}

TEST(RateLimiter, WhateverIsConfiguredItsSumsHold) {
  RateLimiter widest(limit(1, std::chrono::hours(24 * 365), UINT32_MAX));
  RateLimiter narrowest(limit(UINT32_MAX, 0ms, 0));
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(widest.take(1, 1h), 0ns);
  EXPECT_EQ(narrowest.take(1, 1s), 0ns);
}

TEST(RateLimiter, ThreadsShareOneBucketExactly) {
  RateLimiter limiter(limit(1, 1h, 1'000, contract::RateKey::kAll));
  std::atomic<int> passed{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 2; ++thread)
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i)
        if (limiter.take(1, 1s) == 0ns) passed.fetch_add(1);
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(passed.load(), 1'000);
}

}  // namespace
}  // namespace headgate::l7::policy
