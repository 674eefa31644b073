// SPDX-License-Identifier: Apache-2.0
#include "dataplane/crossing/shared_tally.hpp"

#include <random>
#include <thread>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

namespace headgate::crossing {
namespace {

TEST(SharedTally, LetsInAsManyAsMay) {
  SharedTally<16> tally;
  EXPECT_TRUE(tally.enter(1, 2));
  EXPECT_TRUE(tally.enter(1, 2));
  EXPECT_FALSE(tally.enter(1, 2));
  tally.leave(1);
  EXPECT_TRUE(tally.enter(1, 2));
  EXPECT_FALSE(tally.enter(1, 2)) << "who was refused must not be counted";
}

TEST(SharedTally, AKeyThatSharesOneCellIsNotMistaken) {
  SharedTally<16> tally;
  constexpr uint64_t kKey = 0x0000'0003'0000'0005, kSameFirstCell = 0x0000'0004'0000'0005;
  EXPECT_TRUE(tally.enter(kKey, 1));
  EXPECT_TRUE(tally.enter(kSameFirstCell, 1));
  EXPECT_FALSE(tally.enter(kKey, 1));
}

// The law: never more than `max` of a key, whatever the others do.
TEST(SharedTally, NeverCountsTooFew) {
  SharedTally<64> tally;
  std::mt19937_64 random(7);
  std::unordered_map<uint64_t, uint32_t> held;
  std::vector<uint64_t> keys(100);
  for (auto& key : keys) key = random();
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t key = keys[random() % keys.size()];
    if (random() % 2 == 0 && held[key] > 0) {
      tally.leave(key);
      --held[key];
    } else if (tally.enter(key, 5)) {
      ASSERT_LE(++held[key], 5u);
    }
  }
  for (const auto& [key, count] : held)
    for (uint32_t i = 0; i < count; ++i) tally.leave(key);
  for (const uint64_t key : keys) {
    EXPECT_TRUE(tally.enter(key, 1)) << "all have left";
    tally.leave(key);
  }
}

TEST(SharedTally, ThreadsShareOneLimit) {
  SharedTally<16> tally;
  constexpr uint32_t kMax = 10;
  std::atomic<uint32_t> inside{0}, most{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        if (!tally.enter(9, kMax)) continue;
        const uint32_t now = inside.fetch_add(1) + 1;
        for (uint32_t seen = most.load(); seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        inside.fetch_sub(1);
        tally.leave(9);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most.load(), kMax);
  EXPECT_TRUE(tally.enter(9, 1)) << "all have left";
}

}  // namespace
}  // namespace headgate::crossing
