// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/retry_delay.hpp"

#include <gtest/gtest.h>

namespace headgate::node {
namespace {

using namespace std::chrono_literals;

TEST(RetryDelay, GrowsToItsBoundAndIsSpread) {
  RetryDelay delay(100ms, 5s);
  EXPECT_EQ(delay.next(0.9), Duration(100ms));  // the first: nothing to spread over yet
  EXPECT_EQ(delay.next(0.5), Duration(150ms));
  EXPECT_EQ(delay.next(0.0), Duration(100ms));
  for (int i = 0; i < 20; ++i) {
    const auto next = delay.next(0.999);
    EXPECT_GE(next, Duration(100ms));
    EXPECT_LT(next, Duration(5s));
  }
  EXPECT_GT(delay.next(0.999), Duration(4s));
}

TEST(RetryDelay, ASuccessStartsItAgain) {
  RetryDelay delay(100ms, 5s);
  for (int i = 0; i < 10; ++i) (void)delay.next(0.5);
  delay.succeeded();
  EXPECT_EQ(delay.next(0.9), Duration(100ms));
}

}  // namespace
}  // namespace headgate::node
