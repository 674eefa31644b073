// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/retry.hpp"

#include <deque>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/l7/admission.hpp"

namespace headgate::l7 {
namespace {

using contract::RetryOn;
using namespace std::chrono_literals;

TEST(Retry, OnlyWhatTheRuleNamesIsWanted) {
  const contract::Retry rule{.on = {RetryOn::kReset}, .statuses = {{502, 504}, {429, 429}}};
  EXPECT_TRUE(wants_retry(rule, RetryOn::kReset));
  EXPECT_FALSE(wants_retry(rule, RetryOn::kTimeout));
  for (const uint16_t status : {502, 503, 504, 429}) EXPECT_TRUE(wants_retry(rule, status));
  for (const uint16_t status : {200, 428, 430, 500, 501, 505}) EXPECT_FALSE(wants_retry(rule, status));
}

TEST(Retry, TheBackoffStaysBelowABoundThatDoubles) {
  const contract::Retry rule{.backoff_base = contract::Millis(20), .backoff_max = contract::Millis(100)};
  std::mt19937_64 random(1);
  const std::vector<std::pair<unsigned, std::chrono::milliseconds>> bounds{
      {1, 20ms}, {2, 40ms}, {3, 80ms}, {4, 100ms}, {60, 100ms}};
  for (const auto& [number, bound] : bounds) {
    Duration longest{0};
    for (int i = 0; i < 2'000; ++i) {
      const auto wait = backoff(rule, number, random());
      ASSERT_GE(wait, 1ms);
      ASSERT_LE(wait, bound);
      longest = std::max(longest, wait);
    }
    EXPECT_GT(longest, bound * 3 / 4) << "the whole range is used";
  }
}

TEST(Retry, TheBudgetIsAShareAndAFew) {
  const contract::RetryBudget budget{.percent = 20, .retries_min = 3};
  EXPECT_TRUE(budget_allows(budget, 1, 2));
  EXPECT_FALSE(budget_allows(budget, 1, 3));
  EXPECT_TRUE(budget_allows(budget, 100, 19));
  EXPECT_FALSE(budget_allows(budget, 100, 20));
  EXPECT_FALSE(budget_allows({.percent = 0, .retries_min = 0}, 1'000, 0));
}

TEST(Retry, TheBudgetHoldsOverRandomSequences) {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    const contract::RetryBudget budget{.percent = static_cast<uint32_t>(random() % 60),
                                       .retries_min = static_cast<uint32_t>(random() % 5)};
    PoolCell cell;
    std::deque<RunningRequest> running;
    for (int step = 0; step < 2'000; ++step) {
      const unsigned what = random() % 8;
      if (what < 4 || running.empty()) {
        running.emplace_back(cell);
      } else if (what < 6) {
        const uint32_t before = cell.retries;
        const uint32_t allowed = std::max(cell.requests * budget.percent / 100, budget.retries_min);
        if (running[random() % running.size()].repeat(budget) && cell.retries > before) {
          ASSERT_LE(cell.retries, allowed);
        }
      } else {
        std::swap(running[random() % running.size()], running.back());
        running.pop_back();
      }
      ASSERT_EQ(cell.requests, running.size());
      ASSERT_LE(cell.retries, cell.requests);
    }
    running.clear();
    ASSERT_EQ(cell.requests, 0U);
    ASSERT_EQ(cell.retries, 0U);
  }
}

}  // namespace
}  // namespace headgate::l7
