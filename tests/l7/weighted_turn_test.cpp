// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/weighted_turn.hpp"

#include <cmath>
#include <numeric>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

TEST(WeightedTurn, GivesEachEntryExactlyItsWeightInEveryPeriod) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<uint32_t> weights(1 + random() % 8);
    for (auto& weight : weights) weight = random() % 20;
    const WeightedTurn turn(weights);
    const uint64_t total = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
    ASSERT_EQ(turn.empty(), total == 0);
    if (total == 0) continue;
    ASSERT_EQ(total % turn.period(), 0U);
    uint64_t position = random();  // wherever it starts
    std::vector<uint32_t> turns(weights.size());
    for (uint64_t i = 0; i < total; ++i) ++turns[turn.next(position)];
    ASSERT_EQ(turns, weights);
  }
}

TEST(WeightedTurn, IsSmooth) {
  // After any number of turns an entry is at most a few turns from its share, also with awkward weights.
  const std::vector<uint32_t> weights{999'983, 500'009, 1'009, 250'007};
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  const WeightedTurn turn(weights);
  std::vector<uint32_t> turns(weights.size());
  uint64_t position = 0;
  for (int i = 1; i <= 200'000; ++i) {
    ++turns[turn.next(position)];
    for (std::size_t entry = 0; entry < weights.size(); ++entry)
      ASSERT_LT(std::abs(turns[entry] - i * (weights[entry] / total)), 6.0) << i;
  }
}

TEST(WeightedTurn, AlternatesBetweenEquals) {
  const std::vector<uint32_t> weights{7, 7};
  const WeightedTurn turn(weights);
  uint64_t position = 0;
  std::string order;
  for (int i = 0; i < 6; ++i) order += static_cast<char>('a' + turn.next(position));
  EXPECT_EQ(order, "ababab");
}

TEST(WeightedTurn, GoesOnFromAnyPositionWhenTheWeightsChange) {
  const std::vector<uint32_t> many(100, 1);
  const std::vector<uint32_t> one{0, 1, 0};
  uint64_t position = UINT64_MAX;
  EXPECT_LT(WeightedTurn(many).next(position), 100U);
  EXPECT_EQ(WeightedTurn(one).next(position), 1U);
  EXPECT_EQ(WeightedTurn(one).next(position), 1U);
}

}  // namespace
}  // namespace headgate::l7
