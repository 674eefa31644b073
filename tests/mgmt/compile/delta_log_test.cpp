// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/delta_log.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::compile {
namespace {

using contract::Delta;
using contract::Revision;

contract::ObjectKey key(const std::string& id) { return {"node", contract::Kind::kPool, id}; }

Delta upsert(Revision revision, const std::string& id) {
  Delta delta{.base = revision - 1, .revision = revision, .upserts = {}, .removals = {}};
  delta.upserts.push_back({key(id), std::make_shared<const contract::Object>(contract::Pool{})});
  return delta;
}
Delta removal(Revision revision, const std::string& id) {
  return {.base = revision - 1, .revision = revision, .upserts = {}, .removals = {key(id)}};
}

TEST(DeltaLog, MergesSoThatTheLatestWins) {
  DeltaLog log(1);
  log.push(upsert(2, "a"));
  log.push(upsert(3, "b"));
  log.push(removal(5, "a"));
  const auto delta = log.since(1, 9);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->base, 1u);
  EXPECT_EQ(delta->revision, 9u);
  ASSERT_EQ(delta->upserts.size(), 1u);
  EXPECT_EQ(delta->upserts[0].key.id, "b");
  EXPECT_EQ(delta->removals, std::vector{key("a")});
  EXPECT_EQ(log.since(4, 9)->removals.size(), 1u);
  EXPECT_TRUE(log.since(5, 9)->empty());
}

TEST(DeltaLog, DoesNotAnswerForWhatItDoesNotReach) {
  DeltaLog log(5);
  log.push(upsert(7, "a"));
  EXPECT_FALSE(log.since(4, 7));
  EXPECT_FALSE(log.since(8, 7));  // a base from a future that was lost
  EXPECT_TRUE(log.since(5, 7));
}

TEST(DeltaLog, ForgetsTheOldestWhenItIsFull) {
  DeltaLog log(0);
  for (Revision revision = 1; revision <= limits::kDeltaLogLengthMax + 10; ++revision)
    log.push(upsert(revision, std::to_string(revision)));
  const Revision now = limits::kDeltaLogLengthMax + 10;
  EXPECT_FALSE(log.since(9, now));
  EXPECT_EQ(log.since(10, now)->upserts.size(), limits::kDeltaLogLengthMax);
}

}  // namespace
}  // namespace headgate::compile
