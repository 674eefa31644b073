// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/configuration_feed.hpp"

#include <memory>
#include <random>

#include <gtest/gtest.h>

namespace headgate::node {
namespace {

using contract::Acknowledgement;
using contract::Delta;
using contract::Kind;
using contract::Snapshot;

contract::ObjectKey pool_key(const std::string& audience, const std::string& id) {
  return {audience, Kind::kPool, id};
}
contract::ObjectPtr pool_named(const std::string& name) {
  contract::Pool object;
  object.name = name;
  return std::make_shared<const contract::Object>(std::move(object));
}
Delta delta(contract::Revision base, contract::Revision revision, const std::string& audience) {
  return {.base = base,
          .revision = revision,
          .upserts = {{pool_key(audience, "p"), pool_named("p")}},
          .removals = {}};
}

class ConfigurationFeedTest : public testing::Test {
 protected:
  void move(const Delta& change) {
    ASSERT_TRUE(contract::apply(snapshot_, change).ok());
    feed_.on_delta(change);
  }
  Snapshot snapshot_;
  ConfigurationFeed feed_{"shard/a", 0};
};

TEST_F(ConfigurationFeedTest, ANewProcessIsToldEverythingOnce) {
  move(delta(0, 1, "shard/a"));
  EXPECT_FALSE(feed_.next(snapshot_));  // before Hello
  feed_.on_hello(0);
  const auto configure = feed_.next(snapshot_);
  ASSERT_TRUE(configure);
  EXPECT_EQ(configure->delta.base, 0u);
  EXPECT_EQ(configure->delta.upserts.size(), 1u);
  EXPECT_FALSE(feed_.next(snapshot_));
  EXPECT_EQ(feed_.applied(), 0u);
  feed_.on_acknowledgement({1, true, ""});
  EXPECT_EQ(feed_.applied(), 1u);
}

TEST_F(ConfigurationFeedTest, WhatConcernsOthersIsAppliedImplicitlyAndNeverABase) {
  move(delta(0, 1, "shard/a"));
  feed_.on_hello(0);
  ASSERT_TRUE(feed_.next(snapshot_));
  feed_.on_acknowledgement({1, true, ""});
  move(delta(1, 2, "shard/b"));
  EXPECT_FALSE(feed_.next(snapshot_));
  EXPECT_EQ(feed_.applied(), 2u);
  move(delta(2, 3, "shard/a"));
  EXPECT_EQ(feed_.applied(), 2u);
  const auto configure = feed_.next(snapshot_);
  ASSERT_TRUE(configure);
  EXPECT_EQ(configure->delta.base, 1u);  // what the process holds
  EXPECT_EQ(configure->delta.revision, 3u);
}

TEST_F(ConfigurationFeedTest, ARefusalIsKeptUntilSomethingThatConcernsItChanges) {
  move(delta(0, 1, "shard/a"));
  feed_.on_hello(0);
  ASSERT_TRUE(feed_.next(snapshot_));
  feed_.on_acknowledgement({1, true, ""});
  move(delta(1, 2, "shard/a"));
  ASSERT_TRUE(feed_.next(snapshot_));
  feed_.on_acknowledgement({2, false, "no such file"});
  EXPECT_EQ(feed_.refused_reason(), "no such file");
  EXPECT_EQ(feed_.applied(), 1u);
  EXPECT_FALSE(feed_.next(snapshot_));
  move(delta(2, 3, "shard/b"));
  EXPECT_FALSE(feed_.next(snapshot_));
  move(delta(3, 4, "shard/a"));
  const auto configure = feed_.next(snapshot_);
  ASSERT_TRUE(configure);
  EXPECT_EQ(configure->delta.base, 0u);
  feed_.on_acknowledgement({4, true, ""});
  EXPECT_EQ(feed_.applied(), 4u);
  EXPECT_EQ(feed_.refused_reason(), "");
}

TEST_F(ConfigurationFeedTest, ARestartedProcessIsToldEverythingAgain) {
  move(delta(0, 1, "shard/a"));
  feed_.on_hello(0);
  ASSERT_TRUE(feed_.next(snapshot_));
  feed_.on_acknowledgement({1, true, ""});
  feed_.on_lost();
  move(delta(1, 2, "shard/b"));
  EXPECT_EQ(feed_.applied(), 2u);  // still: it concerned somebody else
  feed_.on_hello(0);
  EXPECT_EQ(feed_.applied(), 2u);
  const auto configure = feed_.next(snapshot_);
  ASSERT_TRUE(configure);
  EXPECT_EQ(configure->delta.base, 0u);
}

TEST_F(ConfigurationFeedTest, AReconnectedProcessGoesOn) {
  move(delta(0, 1, "shard/a"));
  feed_.on_hello(0);
  ASSERT_TRUE(feed_.next(snapshot_));
  feed_.on_acknowledgement({1, true, ""});
  feed_.on_hello(1);
  EXPECT_EQ(feed_.applied(), 1u);
  EXPECT_FALSE(feed_.next(snapshot_));
}

// The law: changes, late answers, refusals and restarts in any order; in the end the process accepts all.
TEST(ConfigurationFeedProperty, AProcessThatAcceptsEndsWithItsPartOfTheSnapshot) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](unsigned count) { return random() % count; };
    Snapshot node, process;
    ConfigurationFeed feed("shard/a", 0);
    std::optional<contract::Configure> under_way;
    const auto answer = [&](bool accept) {
      if (!under_way) return;
      const bool applied = accept && contract::apply(process, under_way->delta).ok();
      ASSERT_EQ(applied, accept) << "a delta that did not fit, seed " << seed;
      feed.on_acknowledgement({under_way->delta.revision, applied, "refused"});
      under_way.reset();
    };
    for (int step = 0; step < 60; ++step) {
      switch (pick(6)) {
        case 0: {  // the process dies, its successor knows nothing
          process = {};
          under_way.reset();
          if (pick(2) == 0) feed.on_lost();
          if (pick(2) == 0)
            feed.on_hello(0);
          else
            feed.on_lost();
          break;
        }
        case 1:  // only the connection is lost, with or without what was on it
          if (under_way && pick(2) == 0) {
            ASSERT_TRUE(contract::apply(process, under_way->delta).ok());
          }
          under_way.reset();
          feed.on_hello(process.revision);
          break;
        case 2:
          answer(pick(3) != 0);
          break;
        default: {
          Snapshot next = node;
          next.revision = node.revision + 1;
          const auto key = pool_key(pick(2) == 0 ? "shard/a" : "l4", std::to_string(pick(5)));
          if (pick(3) == 0)
            next.objects.erase(key);
          else
            next.objects[key] = pool_named(std::to_string(step));
          const auto change = pick(10) == 0 ? contract::full(next) : contract::diff(node, next);
          ASSERT_TRUE(contract::apply(node, change).ok());
          feed.on_delta(change);
        }
      }
      if (!under_way) under_way = feed.next(node);
      ASSERT_LE(feed.applied(), node.revision);
    }
    feed.on_hello(0);
    process = {};
    under_way = feed.next(node);
    while (under_way) {
      answer(true);
      under_way = feed.next(node);
    }
    EXPECT_EQ(process.objects.size(), contract::filter(node, "shard/a").objects.size()) << "seed " << seed;
    EXPECT_TRUE(contract::diff(process, contract::filter(node, "shard/a")).empty()) << "seed " << seed;
    EXPECT_EQ(feed.applied(), node.revision);
  }
}

}  // namespace
}  // namespace headgate::node
