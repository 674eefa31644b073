// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/table_keeper.hpp"

#include <gtest/gtest.h>

#include "tests/support/l4_snapshot.hpp"

namespace headgate::fastpath {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kNow{1000s};

contract::Snapshot snapshot(contract::Revision revision, uint32_t targets) {
  return test::L4Snapshot(revision)
      .listener("192.0.2.100:80")
      .targets(targets, 1, "198.19.255.1", 2000)
      .build();
}
contract::MemberHealth health(const std::string& target, bool usable) {
  return {{contract::kHealthGroupL4, target}, {{*Endpoint::parse("198.19.255.1:2000"), usable, ""}}};
}

TEST(TableKeeper, IsAppliedOnceEveryWorkerLooksAtIt) {
  TableKeeper keeper(2, NextHopKeeper({}));
  auto first = keeper.reads(0).tables;
  auto second = keeper.reads(1).tables;
  first.refresh();
  second.refresh();
  ASSERT_TRUE(keeper.configure(contract::full(snapshot(5, 1)), kNow).ok());
  EXPECT_EQ(keeper.revision(), 5u);
  EXPECT_FALSE(keeper.settle(kNow));
  EXPECT_EQ(first.refresh().revision(), 5u);
  EXPECT_FALSE(keeper.settle(kNow));
  second.offline();  // asleep: it will look at the newest when it wakes
  EXPECT_TRUE(keeper.settle(kNow));
}

TEST(TableKeeper, WhatIsRefusedChangesNothing) {
  TableKeeper keeper(1, NextHopKeeper({}));
  ASSERT_TRUE(keeper.configure(contract::full(snapshot(5, 1)), kNow).ok());
  contract::Delta stranger{.base = 4, .revision = 6, .upserts = {}, .removals = {}};
  EXPECT_EQ(keeper.configure(stranger, kNow).error().code, ErrorCode::kConflict);
  auto tunnel = test::L4Snapshot(6).listener("192.0.2.100:80");
  tunnel.last().forwarding = contract::Forwarding::kVxlan;  // of no network
  EXPECT_EQ(keeper.configure(contract::full(tunnel.build()), kNow).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(keeper.revision(), 5u);
  EXPECT_EQ(keeper.current().revision(), 5u);
  ASSERT_TRUE(keeper.configure(contract::diff(snapshot(5, 1), snapshot(6, 2)), kNow).ok());
  EXPECT_EQ(keeper.current().targets().size(), 2u);
}

TEST(TableKeeper, HealthMasksByNameWhicheverComesFirst) {
  TableKeeper keeper(1, NextHopKeeper({}));
  keeper.update_health({.full = true, .upserts = {health("edge/1", false)}, .removals = {}}, kNow);
  ASSERT_TRUE(keeper.configure(contract::full(snapshot(5, 2)), kNow).ok());
  EXPECT_FALSE(keeper.mask().masked(1));
  EXPECT_TRUE(keeper.mask().masked(2));
  keeper.update_health(
      {.full = false, .upserts = {health("edge/0", false), health("edge/1", true)}, .removals = {}}, kNow);
  EXPECT_TRUE(keeper.mask().masked(1));
  EXPECT_FALSE(keeper.mask().masked(2));
  keeper.update_health({.full = true, .upserts = {}, .removals = {}}, kNow);
  EXPECT_FALSE(keeper.mask().masked(1));
}

TEST(TableKeeper, HealthOfBackendsIsTheirPools) {
  TableKeeper keeper(1, NextHopKeeper({{*IpAddress::parse("192.0.2.20"), MacAddress{2, 0, 0, 0, 0, 9}}}));
  auto forwarded = test::L4Snapshot(5).listener("192.0.2.100:80").forwarded("pool-a");
  forwarded.target(1, "192.0.2.20:80", "192.0.2.20:80");
  ASSERT_TRUE(keeper.configure(contract::full(forwarded.build()), kNow).ok());
  EXPECT_FALSE(keeper.mask().masked(1));
  keeper.update_health({.full = true, .upserts = {health("192.0.2.20:80", false)}, .removals = {}}, kNow);
  EXPECT_FALSE(keeper.mask().masked(1)) << "a replica of that name";
  auto down = health("192.0.2.20:80", false);
  down.key.group = "pool-a";
  keeper.update_health({.full = true, .upserts = {down}, .removals = {}}, kNow);
  EXPECT_TRUE(keeper.mask().masked(1));
}

TEST(TableKeeper, ATargetThatNoNeighbourLeadsToIsMasked) {
  TableKeeper keeper(1, NextHopKeeper({{*IpAddress::parse("192.0.2.20"), MacAddress{2, 0, 0, 0, 0, 9}}}));
  auto forwarded = test::L4Snapshot(5).listener("192.0.2.100:80").forwarded("pool-a");
  forwarded.target(1, "192.0.2.20:80", "192.0.2.20:80").target(2, "192.0.2.21:80", "192.0.2.21:80");
  ASSERT_TRUE(keeper.configure(contract::full(forwarded.build()), kNow).ok());
  EXPECT_FALSE(keeper.mask().masked(1));
  EXPECT_TRUE(keeper.mask().masked(2));
  EXPECT_EQ(keeper.next_hops().find(1), (MacAddress{2, 0, 0, 0, 0, 9}));
  EXPECT_EQ(keeper.next_hops().find(2), std::nullopt);
}

// Datagrams may be on it still.
TEST(TableKeeper, ATargetThatLingersIsMaskedWhereNobodyLeadsToIt) {
  TableKeeper keeper(1, NextHopKeeper({}));
  auto both = test::L4Snapshot(5).listener("192.0.2.100:53").forwarded("pool-a").udp();
  both.target(1, "192.0.2.20:53", "192.0.2.20:53").target(2, "192.0.2.21:53", "192.0.2.21:53");
  ASSERT_TRUE(keeper.configure(contract::full(both.build()), kNow).ok());
  auto one = test::L4Snapshot(6).listener("192.0.2.100:53").forwarded("pool-a").udp();
  one.target(1, "192.0.2.20:53", "192.0.2.20:53");
  ASSERT_TRUE(keeper.configure(contract::diff(both.build(), one.build()), kNow).ok());
  ASSERT_NE(keeper.current().target_of_id(2), nullptr);
  EXPECT_TRUE(keeper.mask().masked(2));
}

}  // namespace
}  // namespace headgate::fastpath
