// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/traffic_counters.hpp"

#include <numeric>
#include <thread>

#include <gtest/gtest.h>

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

using contract::Traffic;

constexpr TrafficWay kWay{.listener = "web", .route = "shop/cart", .pool_namespace = "shop", .pool = "app"};

uint64_t total(const std::vector<uint64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

TEST(TrafficCountersTest, AWayIsCountedByClassAndDuration) {
  TrafficCounters counters;
  counters.add(kWay, 200, 1ms);
  counters.add(kWay, 404, 1ms + 1us);
  counters.add(kWay, 0, 10s);
  counters.add(kWay, 503, 11s);
  counters.add_untimed(kWay, 101);
  std::vector<Traffic> sums;
  counters.add_to(sums);
  ASSERT_EQ(sums.size(), 1u);
  EXPECT_EQ(sums[0].listener, "web");
  EXPECT_EQ(sums[0].route, "shop/cart");
  EXPECT_EQ(sums[0].pool, "shop/app");
  EXPECT_EQ(sums[0].by_class, (std::vector<uint64_t>{1, 1, 1, 0, 1, 1}));
  EXPECT_EQ(sums[0].by_duration, (std::vector<uint64_t>{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1}));
  EXPECT_EQ(sums[0].duration_us, 21'002'001u);
}

TEST(TrafficCountersTest, ThreadsAreSummedAndWaysSortedByName) {
  TrafficCounters one;
  TrafficCounters other;
  one.add({.listener = "web"}, 404, 1ms);  // reached no rule
  one.add(kWay, 200, 1ms);
  other.add(kWay, 200, 1ms);
  other.add({.listener = "web", .route = "shop/cart"}, 301, 1ms);  // answered here
  std::vector<Traffic> sums;
  one.add_to(sums);
  other.add_to(sums);
  ASSERT_EQ(sums.size(), 3u);
  EXPECT_EQ(sums[0].route, "");
  EXPECT_EQ(sums[1].pool, "");
  EXPECT_EQ(sums[2].pool, "shop/app");
  EXPECT_EQ(total(sums[2].by_class), 2u);
}

TEST(TrafficCountersTest, WaysPastTheBoundAreOneAndNoneIsLost) {
  TrafficCounters counters;
  constexpr std::size_t kWays = limits::kTrafficWaysMax + 100;
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < kWays; ++i) {
      const std::string route = "shop/r" + std::to_string(i);
      counters.add({.listener = "web", .route = route}, 200, 1ms);
    }
  }
  std::vector<Traffic> sums;
  counters.add_to(sums);
  ASSERT_EQ(sums.size(), limits::kTrafficWaysMax + 1);
  EXPECT_EQ(sums[0].route, "*");
  EXPECT_EQ(total(sums[0].by_class), 200u);
  for (std::size_t i = 1; i < sums.size(); ++i) EXPECT_EQ(total(sums[i].by_class), 2u) << sums[i].route;
}

// For ThreadSanitizer above all.
TEST(TrafficCountersTest, AreReadWhileTheyCount) {
  TrafficCounters counters;
  std::thread owner([&] {
    for (std::size_t i = 0; i < 20'000; ++i) {
      const std::string route = "shop/r" + std::to_string(i % 300);
      counters.add({.listener = "web", .route = route}, 200, 1ms);
    }
  });
  uint64_t before = 0;
  for (int reading = 0; reading < 20; ++reading) {
    std::vector<Traffic> sums;
    counters.add_to(sums);
    uint64_t now = 0;
    for (const auto& sum : sums) now += total(sum.by_class);
    EXPECT_GE(now, before);
    before = now;
  }
  owner.join();
}

class TrafficTest : public ShardFixture {};

TEST_F(TrafficTest, EveryRequestThatEndsIsCountedByItsWay) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  client.read_until("ok");
  client.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  client.read_until("no_rule\n");
  ASSERT_TRUE(counts(2, "requests_total"));
  std::vector<Traffic> traffic;
  await([&] {
    traffic = shard_->stats().traffic;
    return traffic.size() == 2;
  });
  ASSERT_EQ(traffic.size(), 2u);
  EXPECT_EQ(traffic[0].listener, "web");
  EXPECT_EQ(traffic[0].route, "");
  EXPECT_EQ(traffic[0].by_class, (std::vector<uint64_t>{0, 0, 0, 0, 1, 0}));
  EXPECT_EQ(traffic[1].route, "default/app");
  EXPECT_EQ(traffic[1].pool, "default/app");
  EXPECT_EQ(traffic[1].by_class, (std::vector<uint64_t>{0, 0, 1, 0, 0, 0}));
  EXPECT_EQ(total(traffic[1].by_duration), 1u);
}

}  // namespace
}  // namespace headgate::shard
