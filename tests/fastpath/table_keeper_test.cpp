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

class SlowStart : public testing::Test {
 protected:
  static contract::Snapshot of(contract::Revision revision, std::initializer_list<bool> drains) {
    auto builder = test::L4Snapshot(revision).listener("192.0.2.100:80").forwarded("pool-a");
    uint32_t id = 0;
    for (const bool drain : drains) {
      ++id;
      builder.target(id, "t" + std::to_string(id), "192.0.2.20:80", 1, drain);
    }
    auto snapshot = builder.build();
    contract::Pool pool;
    pool.uid = "pool-a";
    pool.slow_start = contract::Millis(10'000);
    snapshot.objects[{std::string(contract::kAudienceL4), contract::Kind::kPool, "pool-a"}] =
        std::make_shared<const contract::Object>(pool);
    return snapshot;
  }
  contract::MemberHealth of_pool(const std::string& target, bool usable) const {
    auto member = health(target, usable);
    member.key.group = "pool-a";
    return member;
  }
  void say(std::initializer_list<contract::MemberHealth> members, TimePoint now) {
    keeper_.update_health({.full = false, .upserts = members, .removals = {}}, now);
  }
  TableKeeper keeper_{1, NextHopKeeper({{*IpAddress::parse("192.0.2.20"), MacAddress{2, 0, 0, 0, 0, 9}}})};
};

TEST_F(SlowStart, OneThatComesBackTakesAGrowingShareBesideWarmOnes) {
  ASSERT_TRUE(keeper_.configure(contract::full(of(1, {false, false})), kNow).ok());
  EXPECT_EQ(keeper_.mask().share(1), l4::TargetMask::kAll);
  say({of_pool("t1", false)}, kNow);
  EXPECT_TRUE(keeper_.mask().masked(1));
  say({of_pool("t1", true)}, kNow + 1s);
  EXPECT_EQ(keeper_.mask().share(1), 26);  // a tenth of 255
  EXPECT_EQ(keeper_.mask().share(2), l4::TargetMask::kAll);
  ASSERT_EQ(keeper_.next_change(), kNow + 1100ms);
  keeper_.on_time(kNow + 6s);
  EXPECT_EQ(keeper_.mask().share(1), 128);
  keeper_.on_time(kNow + 11s);
  EXPECT_EQ(keeper_.mask().share(1), l4::TargetMask::kAll);
  EXPECT_EQ(keeper_.next_change(), std::nullopt);
}

TEST_F(SlowStart, WhereAllStartAlikeEachTakesAll) {
  ASSERT_TRUE(keeper_.configure(contract::full(of(1, {false, false})), kNow).ok());
  say({of_pool("t1", false), of_pool("t2", false)}, kNow);
  say({of_pool("t1", true), of_pool("t2", true)}, kNow + 1s);
  for (const uint32_t id : {1, 2}) EXPECT_EQ(keeper_.mask().share(id), l4::TargetMask::kAll);
}

TEST_F(SlowStart, OneThatDrainsIsNoMeasureAndKeepsItsDatagrams) {
  ASSERT_TRUE(keeper_.configure(contract::full(of(1, {true, false})), kNow).ok());
  say({of_pool("t1", false), of_pool("t2", false)}, kNow);
  say({of_pool("t1", true)}, kNow + 1s);
  say({of_pool("t2", true)}, kNow + 8s);
  EXPECT_FALSE(keeper_.mask().masked(1)) << "usable, though it takes nothing new";
  EXPECT_EQ(keeper_.mask().share(2), l4::TargetMask::kAll) << "the only one that does";
}

TEST(TableKeeper, ADrainThatIsOverEndsItsTargetAndAnotherChangeDoesNotBringItBack) {
  TableKeeper keeper(1, NextHopKeeper({{*IpAddress::parse("192.0.2.20"), MacAddress{2, 0, 0, 0, 0, 9}}}));
  const auto of = [](contract::Revision revision, bool drain) {
    auto snapshot = test::L4Snapshot(revision)
                        .listener("192.0.2.100:80")
                        .forwarded("pool-a")
                        .target(1, "t1", "192.0.2.20:80", 1, drain)
                        .target(2, "t2", "192.0.2.20:80")
                        .build();
    contract::Pool pool;
    pool.uid = "pool-a";
    pool.drain_timeout = contract::Millis(5'000);
    snapshot.objects[{std::string(contract::kAudienceL4), contract::Kind::kPool, "pool-a"}] =
        std::make_shared<const contract::Object>(pool);
    return snapshot;
  };
  ASSERT_TRUE(keeper.configure(contract::full(of(1, true)), kNow).ok());
  EXPECT_NE(keeper.current().target_of_id(1), nullptr);
  EXPECT_EQ(keeper.next_change(), kNow + 5s);
  keeper.on_time(kNow + 5s);
  EXPECT_EQ(keeper.current().target_of_id(1), nullptr);
  ASSERT_TRUE(keeper.configure(contract::full(of(2, true)), kNow + 9s).ok());
  EXPECT_EQ(keeper.current().target_of_id(1), nullptr);
  ASSERT_TRUE(keeper.configure(contract::full(of(3, false)), kNow + 10s).ok());
  ASSERT_NE(keeper.current().target_of_id(1), nullptr) << "it drains no longer";
  EXPECT_FALSE(keeper.mask().masked(1));
}

}  // namespace
}  // namespace headgate::fastpath
