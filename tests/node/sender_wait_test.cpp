// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/sender_wait.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::node {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kBegin{1000s};

TEST(SenderWait, EndsShortlyAfterTheSendersHaveAcknowledged) {
  SenderWait wait(7, kBegin);
  wait.on_acknowledged(6, kBegin + 5ms);
  EXPECT_EQ(wait.over_at(), kBegin + limits::kSenderWaitMax);
  wait.on_acknowledged(7, kBegin + 10ms);
  EXPECT_EQ(wait.over_at(), kBegin + 10ms + limits::kSenderSettleTime);
}

TEST(SenderWait, WhatIsAcknowledgedTwiceMovesNothing) {
  SenderWait wait(7, kBegin);
  wait.on_acknowledged(7, kBegin + 10ms);
  wait.on_acknowledged(9, kBegin + 50ms);
  EXPECT_EQ(wait.over_at(), kBegin + 10ms + limits::kSenderSettleTime);
}

TEST(SenderWait, ALaterRevisionMustBeAcknowledgedToo) {
  SenderWait wait(7, kBegin);
  wait.on_acknowledged(7, kBegin + 10ms);
  wait.prolong(8);
  wait.on_acknowledged(7, kBegin + 20ms);
  EXPECT_EQ(wait.over_at(), kBegin + limits::kSenderWaitMax);
  wait.on_acknowledged(8, kBegin + 30ms);
  EXPECT_EQ(wait.over_at(), kBegin + 30ms + limits::kSenderSettleTime);
}

TEST(SenderWait, AnEarlierRevisionDoesNotTakeBackALaterOne) {
  SenderWait wait(7, kBegin);
  wait.prolong(5);
  wait.on_acknowledged(5, kBegin + 10ms);
  EXPECT_EQ(wait.over_at(), kBegin + limits::kSenderWaitMax);
}

TEST(SenderWait, NothingProlongsItPastItsEnd) {
  SenderWait wait(7, kBegin);
  for (contract::Revision revision = 8; revision < 100; ++revision) {
    wait.prolong(revision);
    wait.on_acknowledged(revision, kBegin + revision * 25ms);
    EXPECT_LE(wait.over_at(), kBegin + limits::kSenderWaitMax);
  }
}

}  // namespace
}  // namespace headgate::node
