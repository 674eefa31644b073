// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/snapshot.hpp"

#include <random>

#include <gtest/gtest.h>

#include "dataplane/contract/codec.hpp"

namespace headgate::contract {
namespace {

ObjectPtr pool(std::string name, uint16_t port) {
  Pool pool;
  pool.uid = name;
  pool.name = std::move(name);
  pool.backends.push_back({.host = "192.0.2.1", .port = port, .weight = 1, .drain = false});
  return std::make_shared<const Object>(std::move(pool));
}

Snapshot random_snapshot(std::mt19937& random, Revision revision) {
  Snapshot snapshot{.revision = revision, .objects = {}};
  for (int i = 0; i < 20; ++i) {
    if (random() % 3 == 0) continue;
    const auto name = "p" + std::to_string(i);
    const auto audience = random() % 2 == 0 ? std::string("shard/a") : std::string("shard/b");
    snapshot.objects[{audience, Kind::kPool, name}] = pool(name, static_cast<uint16_t>(1 + random() % 3));
  }
  return snapshot;
}

TEST(Snapshot, BasePlusDeltaIsTheNext) {
  std::mt19937 random(1);
  for (Revision revision = 1; revision < 500; ++revision) {
    auto base = random_snapshot(random, revision);
    const auto next = random_snapshot(random, revision + 1);
    auto delta = decode_delta(encode(diff(base, next)));
    ASSERT_TRUE(delta.ok()) << delta.error().message;
    ASSERT_TRUE(apply(base, *delta).ok());
    ASSERT_TRUE(base == next);
  }
}

TEST(Snapshot, FilteringCommutesWithApplying) {
  std::mt19937 random(2);
  for (Revision revision = 1; revision < 200; ++revision) {
    const auto base = random_snapshot(random, revision);
    const auto next = random_snapshot(random, revision + 1);
    auto part = filter(base, "shard/a");
    ASSERT_TRUE(apply(part, filter(diff(base, next), "shard/a")).ok());
    ASSERT_TRUE(part == filter(next, "shard/a"));
  }
}

TEST(Snapshot, ADeltaFromAnotherBaseChangesNothing) {
  Snapshot snapshot{.revision = 3, .objects = {{{"l4", Kind::kPool, "p"}, pool("p", 1)}}};
  const auto before = snapshot;
  EXPECT_EQ(apply(snapshot, Delta{.base = 2, .revision = 4, .upserts = {}, .removals = {}}).error().code,
            ErrorCode::kConflict);
  EXPECT_TRUE(snapshot == before);
}

TEST(Snapshot, AFullDeltaForgetsWhatWasThere) {
  Snapshot snapshot{.revision = 3, .objects = {{{"l4", Kind::kPool, "p"}, pool("p", 1)}}};
  const Snapshot next{.revision = 9, .objects = {{{"l4", Kind::kPool, "q"}, pool("q", 1)}}};
  ASSERT_TRUE(apply(snapshot, full(next)).ok());
  EXPECT_TRUE(snapshot == next);
}

}  // namespace
}  // namespace headgate::contract
