// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/restart_policy.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::node {
namespace {

using namespace std::chrono_literals;

TEST(RestartPolicy, WaitsDoubleUpToTheBound) {
  RestartPolicy policy;
  TimePoint now{};
  Duration expected = limits::kRestartBackoffMin;
  for (int death = 0; death < 20; ++death) {
    EXPECT_EQ(policy.on_death(now += 1s, 0s), expected);
    expected = std::min<Duration>(2 * expected, limits::kRestartBackoffMax);
  }
}

TEST(RestartPolicy, AProcessThatHadSettledIsStartedAgainAtOnce) {
  RestartPolicy policy;
  TimePoint now{};
  for (int death = 0; death < 10; ++death) (void)policy.on_death(now, 0s);
  EXPECT_TRUE(policy.crash_loop(now));
  EXPECT_EQ(policy.on_death(now, limits::kSettledAfter), Duration(limits::kRestartBackoffMin));
  EXPECT_FALSE(policy.crash_loop(now));
}

TEST(RestartPolicy, ACrashLoopIsManyEarlyDeathsWithinTheWindow) {
  RestartPolicy policy;
  TimePoint now{};
  for (unsigned death = 1; death < limits::kCrashLoopDeaths; ++death) (void)policy.on_death(now += 1s, 0s);
  EXPECT_FALSE(policy.crash_loop(now));
  (void)policy.on_death(now += 1s, 0s);
  EXPECT_TRUE(policy.crash_loop(now));
  RestartPolicy slow;
  for (int death = 0; death < 20; ++death) (void)slow.on_death(now += 20s, 9s);
  EXPECT_FALSE(slow.crash_loop(now));
}

}  // namespace
}  // namespace headgate::node
