// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/prober.hpp"

#include <algorithm>
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
