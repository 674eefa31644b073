// SPDX-License-Identifier: Apache-2.0
#include "dataplane/otlp/export_retry.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::otlp {
namespace {

using namespace std::chrono_literals;

TEST(ExportRetry, OnlyWhatMayPassIsTriedAgain) {
  for (const int status : {200, 202, 204}) EXPECT_EQ(judge_answer(status), ExportVerdict::kTaken) << status;
  for (const int status : {0, 429, 502, 503, 504})
    EXPECT_EQ(judge_answer(status), ExportVerdict::kAgain) << status;
  for (const int status : {100, 301, 400, 401, 404, 413, 500, 501, 505})
    EXPECT_EQ(judge_answer(status), ExportVerdict::kRefused) << status;
}

TEST(ExportRetry, PausesGrowWithinTheirBound) {
  Duration before{0};
  for (unsigned tries = 1; tries <= 50; ++tries) {
    const Duration shortest = pause_before_next(tries, {}, 0);
    EXPECT_GE(shortest, before);
    for (const uint64_t random : {uint64_t{1}, uint64_t{123'456'789'012}, UINT64_MAX}) {
      const Duration pause = pause_before_next(tries, {}, random);
      EXPECT_GE(pause, shortest);
      EXPECT_LE(pause, std::min<Duration>(shortest * 3 / 2, limits::kSpanPauseMax));
    }
    before = shortest;
  }
  EXPECT_EQ(pause_before_next(1, {}, 0), limits::kSpanPauseMin);
  EXPECT_EQ(before, limits::kSpanPauseMax);
}

TEST(ExportRetry, WhatTheCollectorAsksForIsHeededWithinTheBound) {
  EXPECT_EQ(pause_before_next(1, 3s, 0), 3s);
  EXPECT_EQ(pause_before_next(1, 3600s, 0), limits::kSpanPauseMax);
  EXPECT_EQ(pause_before_next(4, 1s, 0), pause_before_next(4, {}, 0)) << "less than we would wait anyway";
}

}  // namespace
}  // namespace headgate::otlp
