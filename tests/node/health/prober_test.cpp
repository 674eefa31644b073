// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/prober.hpp"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "tests/node/health/backend.hpp"

namespace headgate::node {
namespace {

using namespace std::chrono_literals;

ProbeKey key_of(int i) { return {"pool", "b" + std::to_string(i) + ":80", {}}; }

TEST(UntilProbe, IsWithinOneIntervalAndKeepsItsPhase) {
  for (int i = 0; i < 100; ++i) {
    const TimePoint now{Duration(i * 123'456'789LL)};
    const auto wait = until_probe(key_of(i), 1s, now);
    ASSERT_GT(wait, Duration::zero());
    ASSERT_LE(wait, Duration(1s));
    EXPECT_EQ(until_probe(key_of(i), 1s, now + wait), Duration(1s));
  }
}

TEST(UntilProbe, SpreadsManyBackendsOverTheInterval) {
  std::vector<int> tenths(10);
  for (int i = 0; i < 1000; ++i)
    ++tenths[static_cast<std::size_t>(until_probe(key_of(i), 1s, TimePoint{}) / 100'000'001ns)];
  EXPECT_GE(*std::min_element(tenths.begin(), tenths.end()), 60);
  EXPECT_LE(*std::max_element(tenths.begin(), tenths.end()), 140);
}

TEST(UntilNextProbe, ComesOnceAnIntervalWhateverTheLastOneTook) {
  for (int i = 0; i < 100; ++i) {
    const TimePoint phase = TimePoint{} + until_probe(key_of(i), 1s, TimePoint{});
    for (const Duration late : std::initializer_list<Duration>{-10ms, 0ms, 10ms, 400ms})
      for (const Duration took : std::initializer_list<Duration>{0ms, 1ms, 300ms}) {
        const auto began = phase + late;
        EXPECT_EQ(began + took + until_next_probe(key_of(i), 1s, began, began + took), phase + 1s)
            << "began " << late.count() << " ns behind its phase, took " << took.count() << " ns";
      }
  }
}

TEST(UntilNextProbe, OneThatTimedOutWhenTheNextWasDueIsFollowedAtOnce) {
  const TimePoint phase = TimePoint{} + until_probe(key_of(1), 200ms, TimePoint{});
  TimePoint now = phase;
  for (int failure = 1; failure <= 3; ++failure) {
    const auto began = now + 1ms;
    now = began + 200ms;
    EXPECT_EQ(until_next_probe(key_of(1), 200ms, began, now), Duration::zero());
  }
  EXPECT_LT(now - phase, 650ms) << "so three of 200 ms prove a backend down within a second of its death";
}

TEST(Prober, ProbesAgainAndAgainUntilItIsToldToForget) {
  EventLoop loop;
  Backend backend(loop);
  contract::HealthCheck check;
  check.interval = 60ms;
  unsigned results = 0;
  Prober prober(loop, [&](const ProbeKey&, const ProbeResult& result) {
    EXPECT_TRUE(result.good);
    ++results;
  });
  const ProbeKey key{"pool", "b:80", backend.endpoint()};
  prober.want(key, check, "127.0.0.1");
  EXPECT_TRUE(turn_until(loop, [&] { return results == 3; }));
  prober.forget(key);
  const auto until = monotonic_now() + 150ms;
  while (monotonic_now() < until) loop.turn(10ms);
  EXPECT_EQ(results, 3u);
}

TEST(Prober, AResultMayForgetItsOwnKey) {
  EventLoop loop;
  Backend backend(loop);
  const ProbeKey key{"pool", "b:80", backend.endpoint()};
  contract::HealthCheck check;
  check.interval = 60ms;
  bool done = false;
  Prober prober(loop, [&](const ProbeKey&, const ProbeResult&) {
    prober.forget(key);
    done = true;
  });
  prober.want(key, check, "127.0.0.1");
  EXPECT_TRUE(turn_until(loop, [&] { return done; }));
}

}  // namespace
}  // namespace headgate::node
