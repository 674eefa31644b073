// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/slow_start.hpp"

#include <map>

#include <gtest/gtest.h>

#include "tests/l7/pool_fixture.hpp"

namespace headgate::l7 {
namespace {

using namespace std::chrono_literals;
using contract::Algorithm;

constexpr TimePoint kComesUp{std::chrono::hours(1)};

TEST(SlowStart, TheShareNeverFallsAndEndsAtTheWholeWeight) {
  double last = 0;
  for (Duration since = -1s; since <= 12s; since += 10ms) {
    const double share = slow_start_share(since, 10s);
    ASSERT_GE(share, last);
    ASSERT_GE(share, limits::kSlowStartShareMin);
    ASSERT_LE(share, 1);
    last = share;
  }
  EXPECT_EQ(slow_start_share(10s, 10s), 1);
  EXPECT_NEAR(slow_start_share(5s, 10s), 0.5, 1e-9);
}

// The share of `host` over many choices, held still at one moment.
double share_of(PoolFixture& fixture, const std::string& host, int choices = 3'000) {
  int chosen = 0;
  for (int i = 0; i < choices; ++i) chosen += fixture.chosen() == host + ":80";
  return static_cast<double>(chosen) / choices;
}

TEST(SlowStart, AnEndpointThatComesUpGetsMoreAndMoreUpToItsWeight) {
  for (const auto algorithm : {Algorithm::kRoundRobin, Algorithm::kRandom, Algorithm::kLeastRequests}) {
    PoolFixture fixture({.backends = {{"10.0.0.1", 1}, {"10.0.0.2", 1}, {"10.0.0.3", 2}},
                         .algorithm = algorithm,
                         .slow_start = contract::Millis(10'000)});
    fixture.now = kComesUp;
    EXPECT_NEAR(share_of(fixture, "10.0.0.3"), 0.5, 0.01) << "from the start nobody starts slowly";
    fixture.down("10.0.0.3");
    fixture.now += 60s;
    fixture.up("10.0.0.3");
    double last = 0;
    for (const double part : {0.1, 0.25, 0.5, 0.75}) {
      fixture.now = kComesUp + 60s + std::chrono::milliseconds(static_cast<int>(part * 10'000));
      const double share = share_of(fixture, "10.0.0.3");
      EXPECT_NEAR(share, 2 * part / (2 + 2 * part), 0.04) << part;
      EXPECT_GT(share, last);
      last = share;
    }
    fixture.now = kComesUp + 70s;
    EXPECT_NEAR(share_of(fixture, "10.0.0.3"), 0.5, 0.01);
  }
}

TEST(SlowStart, AChangeThatKeepsAnEndpointDoesNotBeginAnew) {
  PoolSpec spec{.backends = {{"10.0.0.1"}, {"10.0.0.2"}}, .slow_start = contract::Millis(10'000)};
  PoolFixture fixture(spec);
  fixture.now = kComesUp;
  spec.backends.push_back({"10.0.0.3"});
  fixture.change(spec);
  fixture.now += 20s;
  spec.backends[0].weight = 2;
  fixture.change(spec);
  EXPECT_NEAR(share_of(fixture, "10.0.0.3"), 0.25, 0.01);
}

TEST(SlowStart, AnEndpointAloneGetsEverything) {
  PoolFixture fixture({.backends = {{"10.0.0.1"}}, .slow_start = contract::Millis(10'000)});
  fixture.now = kComesUp;
  fixture.down("10.0.0.1").up("10.0.0.1");
  for (int i = 0; i < 100; ++i) ASSERT_EQ(fixture.chosen(), "10.0.0.1:80");
}

TEST(SlowStart, BackFromAnEjectionItStartsSlowlyToo) {
  PoolFixture fixture(
      {.backends = {{"10.0.0.1"}, {"10.0.0.2"}},
       .slow_start = contract::Millis(10'000),
       .outlier = contract::Outlier{.consecutive_5xx = 1, .base_ejection_time = contract::Millis(5'000)}});
  fixture.now = kComesUp;
  ASSERT_EQ(fixture.report("10.0.0.2", TryResult::kServerError), Ejection::kEjected);
  fixture.now += 6s;
  EXPECT_NEAR(share_of(fixture, "10.0.0.2"), 0.1 / 1.1, 0.02);
}

}  // namespace
}  // namespace headgate::l7
