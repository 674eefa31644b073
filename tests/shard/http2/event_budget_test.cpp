// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/event_budget.hpp"

#include <gtest/gtest.h>

namespace headgate::shard::http2 {
namespace {

using namespace std::chrono_literals;

TEST(EventBudget, ABurstIsAllowedOnceAndFillsAgainWithTime) {
  const TimePoint start{};
  EventBudget budget;
  budget.start(3, 2, start);
  for (int event = 0; event < 3; ++event) EXPECT_TRUE(budget.spend(start));
  EXPECT_FALSE(budget.spend(start));
  EXPECT_FALSE(budget.spend(start + 999ms));
  EXPECT_TRUE(budget.spend(start + 1s));
  EXPECT_TRUE(budget.spend(start + 1s));
  EXPECT_FALSE(budget.spend(start + 1500ms));
}

TEST(EventBudget, ALongPauseGivesNoMoreThanTheBurst) {
  const TimePoint start{};
  EventBudget budget;
  budget.start(3, 2, start);
  for (int event = 0; event < 3; ++event) EXPECT_TRUE(budget.spend(start + 1h));
  EXPECT_FALSE(budget.spend(start + 1h));
}

}  // namespace
}  // namespace headgate::shard::http2
