// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/hysteresis.hpp"

#include <deque>
#include <random>

#include <gtest/gtest.h>

namespace headgate::node {
namespace {

TEST(Hysteresis, UsableUntilProvedDown) {
  HysteresisState state;
  EXPECT_TRUE(state.usable);
  const HysteresisRule rule{.rise = 2, .fall = 3};
  state = after_probe(state, false, rule);
  state = after_probe(state, false, rule);
  EXPECT_TRUE(state.usable);
  state = after_probe(state, false, rule);
  EXPECT_FALSE(state.usable);
  state = after_probe(state, true, rule);
  EXPECT_FALSE(state.usable);
  state = after_probe(state, true, rule);
  EXPECT_TRUE(state.usable);
}

TEST(Hysteresis, OneResultTheOtherWayStartsTheCountAgain) {
  HysteresisState state;
  const HysteresisRule rule{.rise = 2, .fall = 2};
  for (int i = 0; i < 10; ++i) {
    state = after_probe(state, false, rule);
    state = after_probe(state, true, rule);
  }
  EXPECT_EQ(state, HysteresisState{});
}

TEST(Hysteresis, ARuleMadeStricterWhileACountRunsIsMetAtTheNextResult) {
  HysteresisState state;
  for (int i = 0; i < 5; ++i) state = after_probe(state, false, {.rise = 1, .fall = 10});
  EXPECT_TRUE(state.usable);
  EXPECT_FALSE(after_probe(state, false, {.rise = 1, .fall = 2}).usable);
}

TEST(Hysteresis, ZeroCountsAsOne) {
  EXPECT_FALSE(after_probe({}, false, {.rise = 0, .fall = 0}).usable);
  EXPECT_TRUE(after_probe({.usable = false, .run = 0}, true, {.rise = 0, .fall = 0}).usable);
}

// Against the definition: it flips exactly when the last `fall` (`rise`) results since the last flip agree.
TEST(HysteresisProperty, FlipsExactlyWhenTheLastResultsAgree) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::uniform_int_distribution<uint32_t> bound(1, 4);
    const HysteresisRule rule{.rise = bound(random), .fall = bound(random)};
    HysteresisState state;
    std::deque<bool> since_flip;
    for (int step = 0; step < 200; ++step) {
      const bool good = random() % 2 == 0;
      since_flip.push_back(good);
      const auto needed = state.usable ? rule.fall : rule.rise;
      bool flips = since_flip.size() >= needed;
      for (std::size_t i = 0; flips && i < needed; ++i)
        flips = since_flip[since_flip.size() - 1 - i] != state.usable;
      const auto next = after_probe(state, good, rule);
      ASSERT_EQ(next.usable != state.usable, flips) << "seed " << seed << " step " << step;
      if (flips) since_flip.clear();
      state = next;
    }
  }
}

}  // namespace
}  // namespace headgate::node
