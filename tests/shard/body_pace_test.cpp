// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/body_pace.hpp"

#include <gtest/gtest.h>

namespace headgate::shard {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kBytesPerSecond = 100;
constexpr TimePoint kStart{};

TEST(BodyPaceTest, TimeWithoutBytesIsLost) {
  BodyPace pace;
  pace.update(kStart, true, 0, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 0s);
  pace.update(kStart + 3s, true, 0, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 3s);
  pace.update(kStart + 5s, true, 0, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 5s);
}

TEST(BodyPaceTest, BytesBuyTimeBack) {
  BodyPace pace;
  pace.update(kStart, true, 0, kBytesPerSecond);
  pace.update(kStart + 10s, true, 400, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 6s);
  pace.update(kStart + 11s, true, 900, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 2s);
}

TEST(BodyPaceTest, WhatIsAboveThePaceIsNotSavedUp) {
  BodyPace pace;
  pace.update(kStart, true, 0, kBytesPerSecond);
  pace.update(kStart + 1s, true, 1'000'000'000, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 0s);
  for (int second = 2; second <= 21; ++second)
    pace.update(kStart + std::chrono::seconds(second), true, 1'000'000'000 + second, kBytesPerSecond);
  EXPECT_GT(pace.behind(), 19s);
  EXPECT_LT(pace.behind(), 20s);
}

TEST(BodyPaceTest, TimeThatTheBackendTakesIsNotTheClients) {
  BodyPace pace;
  pace.update(kStart, true, 0, kBytesPerSecond);
  pace.update(kStart + 1s, false, 0, kBytesPerSecond);
  pace.update(kStart + 100s, true, 0, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 1s);
  pace.update(kStart + 101s, true, 0, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 2s);
}

TEST(BodyPaceTest, BytesOfThatTimeBuyTimeBackAllTheSame) {
  BodyPace pace;
  pace.update(kStart, true, 0, kBytesPerSecond);
  pace.update(kStart + 29s, false, 0, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 29s);
  pace.update(kStart + 40s, true, 1'000'000, kBytesPerSecond);
  EXPECT_EQ(pace.behind(), 0s);
}

TEST(BodyPaceTest, WithoutAPaceNobodyIsBehind) {
  BodyPace pace;
  pace.update(kStart, true, 0, 0);
  pace.update(kStart + 1h, true, 0, 0);
  EXPECT_EQ(pace.behind(), 0s);
}

// As the exchange asks: who keeps to the pace in pieces of any size is never behind by more than a piece.
TEST(BodyPaceTest, WhoKeepsToThePaceIsNeverBehindByMoreThanAPiece) {
  for (const uint64_t piece : {1u, 7u, 100u, 64u << 10}) {
    BodyPace pace;
    const auto interval = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>(static_cast<double>(piece) / kBytesPerSecond));
    pace.update(kStart, true, 0, kBytesPerSecond);
    for (uint64_t sent = 1; sent <= 100; ++sent) {
      pace.update(kStart + sent * interval, true, sent * piece, kBytesPerSecond);
      ASSERT_LT(pace.behind(), 1us) << piece;
    }
  }
}

}  // namespace
}  // namespace headgate::shard
