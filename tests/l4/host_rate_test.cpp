// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/host_rate.hpp"

#include <gtest/gtest.h>

namespace headgate::l4 {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1000s};

uint64_t allowed(HostRate& rate, HostClass which, TimePoint now, uint64_t offered) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < offered; ++i) count += rate.allow(which, now);
  return count;
}

TEST(HostRate, HoldsTheRateOverTime) {
  HostRate rate;
  uint64_t count = 0;
  for (int millisecond = 0; millisecond < 10'000; ++millisecond)
    count += allowed(rate, HostClass::kIcmp, kStart + millisecond * 1ms, 100);
  const double expected = 10.0 * limits::kHostIcmpPpsMax;
  EXPECT_NEAR(static_cast<double>(count), expected, expected * 0.02);
}

TEST(HostRate, ABurstIsATenthOfASecond) {
  HostRate rate;
  EXPECT_EQ(allowed(rate, HostClass::kNeighbour, kStart, 100'000), limits::kHostNeighbourPpsMax / 10);
  EXPECT_EQ(allowed(rate, HostClass::kNeighbour, kStart, 100), 0u);
  EXPECT_EQ(allowed(rate, HostClass::kNeighbour, kStart + 1h, 100'000), limits::kHostNeighbourPpsMax / 10);
}

TEST(HostRate, OneClassDoesNotStarveAnother) {
  HostRate rate;
  allowed(rate, HostClass::kIcmp, kStart, 100'000);
  EXPECT_FALSE(rate.allow(HostClass::kIcmp, kStart));
  EXPECT_TRUE(rate.allow(HostClass::kNeighbour, kStart));
  EXPECT_TRUE(rate.allow(HostClass::kOther, kStart));
}

}  // namespace
}  // namespace headgate::l4
