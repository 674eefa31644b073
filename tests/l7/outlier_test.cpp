// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/outlier.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/l7/pool_fixture.hpp"

namespace headgate::l7 {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{std::chrono::hours(1)};

bool fails(OutlierState& state, TryResult result, const contract::Outlier& rule, int times) {
  bool ejects = false;
  for (int i = 0; i < times; ++i) ejects = observe(state, result, rule, kStart);
  return ejects;
}

TEST(Outlier, FailuresCountInARowAndByKind) {
  const contract::Outlier rule{
      .consecutive_5xx = 5, .consecutive_gateway_failures = 3, .consecutive_connect_failures = 2};
  OutlierState state;
  EXPECT_FALSE(fails(state, TryResult::kServerError, rule, 4));
  EXPECT_FALSE(observe(state, TryResult::kSuccess, rule, kStart));
  EXPECT_FALSE(fails(state, TryResult::kServerError, rule, 4)) << "a success begins the count anew";
  EXPECT_TRUE(fails(state, TryResult::kServerError, rule, 1));
  state = {};
  EXPECT_FALSE(fails(state, TryResult::kGatewayFailure, rule, 2));
  EXPECT_TRUE(fails(state, TryResult::kGatewayFailure, rule, 1));
  state = {};
  EXPECT_FALSE(fails(state, TryResult::kConnectFailure, rule, 1));
  EXPECT_TRUE(fails(state, TryResult::kConnectFailure, rule, 1));
}

TEST(Outlier, AThresholdOfZeroNeverEjects) {
  const contract::Outlier rule{
      .consecutive_5xx = 0, .consecutive_gateway_failures = 0, .consecutive_connect_failures = 0};
  OutlierState state;
  EXPECT_FALSE(fails(state, TryResult::kConnectFailure, rule, 1'000));
}

TEST(Outlier, StatusesSayWhatFailed) {
  EXPECT_EQ(result_of(200), TryResult::kSuccess);
  EXPECT_EQ(result_of(404), TryResult::kSuccess) << "the client's fault";
  EXPECT_EQ(result_of(500), TryResult::kServerError);
  for (const uint16_t status : {502, 503, 504}) EXPECT_EQ(result_of(status), TryResult::kGatewayFailure);
  EXPECT_EQ(result_of(505), TryResult::kServerError);
}

TEST(Outlier, EjectionsThatFollowOnEachOtherGrowAndAreForgiven) {
  const contract::Outlier rule{.base_ejection_time = contract::Millis(10'000),
                               .ejection_time_max = contract::Millis(25'000)};
  OutlierState state;
  TimePoint now = kStart;
  for (const auto expected : {10s, 20s, 25s, 25s}) {
    eject(state, rule, now);
    EXPECT_EQ(state.ejected_until - now, expected);
    EXPECT_TRUE(state.ejected(state.ejected_until - 1ms));
    EXPECT_FALSE(state.ejected(state.ejected_until));
    now = state.ejected_until + 1s;
  }
  now = state.ejected_until + 20s;
  eject(state, rule, now);
  EXPECT_EQ(state.ejected_until - now, 20s) << "two base times in peace forgave two";
  now = state.ejected_until + std::chrono::hours(1);
  eject(state, rule, now);
  EXPECT_EQ(state.ejected_until - now, 10s);
}

TEST(Outlier, WhatEndsDuringAnEjectionSaysNothing) {
  const contract::Outlier rule{.consecutive_5xx = 1};
  OutlierState state;
  eject(state, rule, kStart);
  EXPECT_FALSE(fails(state, TryResult::kServerError, rule, 10));
}

TEST(Outlier, OneOfTwoOrMoreMayBeEjectedWhateverThePercentage) {
  const contract::Outlier rule{.ejected_percent_max = 10};
  EXPECT_EQ(ejected_max(rule, 1), 0U);
  EXPECT_EQ(ejected_max(rule, 2), 1U);
  EXPECT_EQ(ejected_max(rule, 19), 1U);
  EXPECT_EQ(ejected_max(rule, 20), 2U);
}

TEST(Outlier, RandomFailuresNeverEjectMoreThanTheCap) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    PoolSpec spec;
    const std::size_t count = 1 + random() % 24;
    for (std::size_t i = 0; i < count; ++i) spec.backends.push_back({"10.0.0." + std::to_string(i + 1)});
    spec.outlier = contract::Outlier{.consecutive_5xx = 1 + static_cast<uint32_t>(random() % 3),
                                     .base_ejection_time = contract::Millis(1 + random() % 50),
                                     .ejected_percent_max = static_cast<uint32_t>(random() % 101)};
    PoolFixture fixture(spec);
    fixture.now = kStart;
    for (int step = 0; step < 400; ++step) {
      fixture.now += std::chrono::milliseconds(random() % 5);
      const auto host = "10.0.0." + std::to_string(1 + random() % count);
      (void)fixture.report(host, random() % 4 == 0 ? TryResult::kSuccess : TryResult::kServerError);
      std::size_t ejected = 0;
      for (const auto& each : fixture.pool->all)
        ejected += fixture.endpoints.row(0).cell(each.endpoint->slot).outlier.ejected(fixture.now);
      ASSERT_LE(ejected, ejected_max(*spec.outlier, count));
      ASSERT_EQ(fixture.choose().outcome, Outcome::kFound);
    }
  }
}

TEST(Outlier, AnEjectedEndpointIsPassedOverUntilItsTimeIsOver) {
  PoolSpec spec{.backends = {{"10.0.0.1"}, {"10.0.0.2"}, {"10.0.0.3"}}};
  spec.outlier = contract::Outlier{.consecutive_5xx = 2, .base_ejection_time = contract::Millis(1'000)};
  for (const auto algorithm : {contract::Algorithm::kRoundRobin, contract::Algorithm::kLeastRequests,
                               contract::Algorithm::kRandom, contract::Algorithm::kMaglev}) {
    spec.algorithm = algorithm;
    PoolFixture fixture(spec);
    fixture.now = kStart;
    EXPECT_EQ(fixture.report("10.0.0.2", TryResult::kServerError), Ejection::kNone);
    EXPECT_EQ(fixture.report("10.0.0.2", TryResult::kServerError), Ejection::kEjected);
    for (uint64_t i = 0; i < 100; ++i) {
      fixture.input.key = i << 48;
      ASSERT_NE(fixture.chosen(), "10.0.0.2:80");
    }
    (void)fixture.report("10.0.0.3", TryResult::kServerError);
    EXPECT_EQ(fixture.report("10.0.0.3", TryResult::kServerError), Ejection::kSpared) << "the cap is one";
    fixture.now += 1s;
    bool seen = false;
    for (uint64_t i = 0; i < 100; ++i) {
      fixture.input.key = i << 57;
      seen = seen || fixture.chosen() == "10.0.0.2:80";
    }
    EXPECT_TRUE(seen) << "its time is over";
  }
}

TEST(Outlier, WhereAllAreEjectedAllAreUsed) {
  PoolSpec spec{.backends = {{"10.0.0.1"}, {"10.0.0.2"}}};
  spec.outlier = contract::Outlier{.consecutive_5xx = 1, .ejected_percent_max = 100};
  PoolFixture fixture(spec);
  fixture.now = kStart;
  EXPECT_EQ(fixture.report("10.0.0.1", TryResult::kServerError), Ejection::kEjected);
  EXPECT_EQ(fixture.report("10.0.0.2", TryResult::kServerError), Ejection::kEjected);
  const auto first = fixture.chosen();
  EXPECT_NE(first, fixture.chosen()) << "panic: round robin over both";
}

}  // namespace
}  // namespace headgate::l7
