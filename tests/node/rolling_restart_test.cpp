// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/rolling_restart.hpp"

#include <map>

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::node {
namespace {

using namespace std::chrono_literals;
using contract::RestartState;
using Move = RollingRestart::Move;

class RollingRestartTest : public testing::Test {
 protected:
  Move next() {
    return restart_.next([this](const std::string& replica) { return sights_.at(replica); }, now_);
  }
  // Replaces the replica whose turn it is, up to its predecessor's end.
  void replace(const std::string& replica) {
    ASSERT_EQ(next(), Move::kReplace);
    ASSERT_EQ(restart_.replica(), replica);
    sights_[replica] = ReplicaSight::kComes;
    ASSERT_EQ(next(), Move::kNone);
    sights_[replica] = ReplicaSight::kFinishes;
    ASSERT_EQ(next(), Move::kNone);
    sights_[replica] = ReplicaSight::kServes;
  }

  TimePoint now_{1000s};
  std::map<std::string, ReplicaSight> sights_{
      {"a", ReplicaSight::kServes}, {"b", ReplicaSight::kServes}, {"c", ReplicaSight::kServes}};
  RollingRestart restart_{"edge", {"a", "b", "c"}};
};

TEST_F(RollingRestartTest, ReplacesOneAfterTheOtherAndSaysHowFarItIs) {
  uint32_t replaced = 0;
  for (const auto* replica : {"a", "b", "c"}) {
    replace(replica);
    EXPECT_EQ(restart_.status(), (contract::ShardRestart{"edge", RestartState::kRunning, 3, replaced++, ""}));
  }
  EXPECT_EQ(next(), Move::kNone);
  EXPECT_TRUE(restart_.over());
  EXPECT_EQ(restart_.status(), (contract::ShardRestart{"edge", RestartState::kDone, 3, 3, ""}));
}

TEST_F(RollingRestartTest, TheNextWaitsForTheOldProcessToFinishHoweverLongItTakes) {
  ASSERT_EQ(next(), Move::kReplace);
  sights_["a"] = ReplicaSight::kFinishes;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(next(), Move::kNone);
    now_ += limits::kReplacementTime;
  }
  EXPECT_EQ(restart_.replica(), "a");
  EXPECT_EQ(restart_.status().replaced, 0u);
}

TEST_F(RollingRestartTest, EndsWhereASuccessorDoesNotComeUpInTime) {
  ASSERT_EQ(next(), Move::kReplace);
  sights_["a"] = ReplicaSight::kComes;
  now_ = restart_.deadline() - 1ns;
  EXPECT_EQ(next(), Move::kNone);
  now_ = restart_.deadline();
  EXPECT_EQ(next(), Move::kPutBack);
  EXPECT_EQ(restart_.replica(), "a");
  EXPECT_EQ(next(), Move::kNone);
  EXPECT_EQ(restart_.status(),
            (contract::ShardRestart{"edge", RestartState::kFailed, 3, 0, "a has not come up in time"}));
}

TEST_F(RollingRestartTest, ACrashLoopEndsItAtOnceAndTheOthersAreLeftAlone) {
  replace("a");
  ASSERT_EQ(next(), Move::kReplace);
  sights_["b"] = ReplicaSight::kCrashLoops;
  EXPECT_EQ(next(), Move::kPutBack);
  EXPECT_EQ(restart_.replica(), "b");
  EXPECT_EQ(restart_.status(),
            (contract::ShardRestart{"edge", RestartState::kFailed, 3, 1, "b does not come up"}));
}

TEST_F(RollingRestartTest, ASuccessorThatFallsWhileTheOldOneFinishesHasItsTimeToo) {
  ASSERT_EQ(next(), Move::kReplace);
  sights_["a"] = ReplicaSight::kFinishes;
  now_ += 10 * limits::kReplacementTime;
  ASSERT_EQ(next(), Move::kNone);
  sights_["a"] = ReplicaSight::kComes;
  EXPECT_EQ(next(), Move::kNone);
  now_ = restart_.deadline();
  EXPECT_EQ(next(), Move::kPutBack);
}

TEST_F(RollingRestartTest, OneThatIsNoLongerWantedIsPassedOver) {
  replace("a");
  sights_["b"] = ReplicaSight::kGone;
  EXPECT_EQ(next(), Move::kReplace);
  EXPECT_EQ(restart_.replica(), "c");
  sights_["c"] = ReplicaSight::kGone;  // while it is replaced
  EXPECT_EQ(next(), Move::kNone);
  EXPECT_EQ(restart_.status(), (contract::ShardRestart{"edge", RestartState::kDone, 3, 1, ""}));
}

TEST_F(RollingRestartTest, OneThatDoesNotComeUpAsItIsIsReplacedToo) {
  sights_["a"] = ReplicaSight::kCrashLoops;
  EXPECT_EQ(next(), Move::kReplace);
  EXPECT_EQ(restart_.replica(), "a");
}

}  // namespace
}  // namespace headgate::node
