// SPDX-License-Identifier: Apache-2.0
#include "db/store/reader.hpp"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>

#include "tests/db/store/store_fixture.hpp"

namespace headgate::db {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreReader : public StoreFixture {};

TEST_F(StoreReader, ListsInPages) {
  commit({put(shard("c")), put(shard("a")), put(shard("b"))});
  ListQuery query{
      .kind = Kind::kShard, .namespace_name = {}, .labels = {}, .after = {}, .limit = 2, .at = {}};
  EXPECT_THAT(names(query), ElementsAre("a", "b"));
  query.after = {"", "b"};
  EXPECT_THAT(names(query), ElementsAre("c"));
  query.after = {"", "c"};
  EXPECT_THAT(names(query), IsEmpty());
}

TEST_F(StoreReader, ListsOneNamespaceOrAll) {
  commit({put({Kind::kPool, "a", "p"}), put({Kind::kPool, "b", "p"}), put({Kind::kPool, "b", "q"})});
  EXPECT_THAT(names({.kind = Kind::kPool}), ElementsAre("p", "p", "q"));
  EXPECT_THAT(names({.kind = Kind::kPool, .namespace_name = "b"}), ElementsAre("p", "q"));
  EXPECT_THAT(names({.kind = Kind::kPool, .after = {{"a", "p"}}}), ElementsAre("p", "q"));
}

TEST_F(StoreReader, SelectsByLabels) {
  commit({put(node("a"), R"({"labels":{"zone":"x","a.b/c\"d":"1"}})"),
          put(node("b"), R"({"labels":{"zone":"y"}})"), put(node("c"))});
  EXPECT_THAT(names({.kind = Kind::kNode, .labels = {{"zone", "x"}}}), ElementsAre("a"));
  EXPECT_THAT(names({.kind = Kind::kNode, .labels = {{"zone", "x"}, {"a.b/c\"d", "1"}}}), ElementsAre("a"));
  EXPECT_THAT(names({.kind = Kind::kNode, .labels = {{"zone", "x"}, {"a.b/c\"d", "2"}}}), IsEmpty());
}

TEST_F(StoreReader, SeesAnyRevision) {
  commit({put(shard("a"), R"({"v":1})")});                   // 2
  commit({put(shard("a"), R"({"v":2})"), put(shard("b"))});  // 3
  commit({remove(shard("a"))});                              // 4
  commit({put(shard("a"), R"({"v":3})")});                   // 5
  EXPECT_FALSE(get(shard("a"), 1));
  EXPECT_EQ(get(shard("a"), 2)->body, R"({"v":1})");
  EXPECT_EQ(get(shard("a"), 3)->body, R"({"v":2})");
  EXPECT_FALSE(get(shard("a"), 4));
  EXPECT_EQ(get(shard("a"), 5)->body, R"({"v":3})");
  EXPECT_THAT(names({.kind = Kind::kShard, .at = 3}), ElementsAre("a", "b"));
  EXPECT_THAT(names({.kind = Kind::kShard, .at = 4}), ElementsAre("b"));
  std::size_t count = 0;
  ASSERT_TRUE(reader().each_object([&](const Object&) { ++count; }, 3).ok());
  EXPECT_EQ(count, 3u);  // with the namespace default
}

TEST_F(StoreReader, TellsTheHistory) {
  commit({put(shard("a")), put(shard("b"))});
  commit({remove(shard("b"))});
  auto infos = reader().revisions({}, 2);
  ASSERT_TRUE(infos.ok());
  ASSERT_EQ(infos->size(), 2u);
  EXPECT_EQ(infos->at(0).revision, 3u);
  EXPECT_EQ(infos->at(0).author, "token/test");
  EXPECT_EQ(reader().revisions(2, 10)->size(), 1u);
  EXPECT_EQ(reader().revision_info(2).value()->summary, "a test");
  EXPECT_FALSE(reader().revision_info(9).value());
  const auto changed = reader().changed_in(3);
  ASSERT_EQ(changed->size(), 1u);
  EXPECT_EQ(changed->at(0).key, shard("b"));
  EXPECT_FALSE(changed->at(0).body);
}

TEST_F(StoreReader, StandsStillWhileWritesGoOn) {
  commit({put(shard("a"))});
  auto before = reader();
  commit({put(shard("a"), R"({"v":2})")});
  EXPECT_EQ(before.revision(), 2u);
  EXPECT_EQ(before.get(shard("a")).value()->body, "{}");
  EXPECT_EQ(reader().revision(), 3u);
}

// Two objects are always written together: no reader may ever see them apart.
TEST_F(StoreReader, ReadersBesideAWriterSeeWholeRevisions) {
  commit({put(shard("a"), "0"), put(shard("b"), "0")});
  std::atomic<bool> done{false};
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      Revision last = 0;
      while (!done) {
        auto view = store_->reader();
        if (!view.ok() || view->revision() < last) {
          ++torn;
          continue;
        }
        last = view->revision();
        if (view->get(shard("a")).value()->body != view->get(shard("b")).value()->body) ++torn;
      }
    });
  for (int i = 1; i <= 100; ++i)
    commit({put(shard("a"), std::to_string(i)), put(shard("b"), std::to_string(i))});
  done = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
}

TEST_F(StoreReader, NamesWhoRefersToAnObject) {
  commit({put(pool("a")), put(route("app"), "{}", {{"/x", pool("a")}, {"/y", pool("a")}})});
  EXPECT_THAT(reader().referrers(pool("a")).value(), ElementsAre(route("app")));
}

}  // namespace
}  // namespace headgate::db
