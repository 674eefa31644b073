// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/state_store.hpp"

#include <fstream>
#include <memory>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/node/temporary_directory.hpp"

namespace headgate::node {
namespace {

contract::Snapshot with_pool(contract::Snapshot snapshot, const std::string& id, std::size_t name_bytes = 1) {
  contract::Pool pool;
  pool.name = std::string(name_bytes, 'x');
  snapshot.objects[{"shard/a", contract::Kind::kPool, id}] =
      std::make_shared<const contract::Object>(std::move(pool));
  ++snapshot.revision;
  return snapshot;
}

class StateStoreTest : public testing::Test {
 protected:
  // What a headgate-node that starts now would find.
  contract::Snapshot reload() {
    StateStore store(directory_.path());
    auto loaded = store.load();
    EXPECT_TRUE(loaded.ok());
    return loaded.ok() ? std::move(*loaded) : contract::Snapshot{};
  }
  void move_to(StateStore& store, contract::Snapshot& now, const contract::Snapshot& next) {
    ASSERT_TRUE(store.append(now.revision == 0 ? full(next) : diff(now, next), next).ok());
    now = next;
  }
  TemporaryDirectory directory_;
};

TEST_F(StateStoreTest, NothingStoredIsAnEmptySnapshot) { EXPECT_EQ(reload().revision, 0u); }

TEST_F(StateStoreTest, WhatWasAppendedIsFoundAgain) {
  StateStore store(directory_.path());
  auto now = *store.load();
  for (int i = 0; i < 5; ++i) {
    move_to(store, now, with_pool(now, std::to_string(i)));
    EXPECT_TRUE(reload() == now) << i;
  }
  struct stat base {};
  ASSERT_EQ(::stat((directory_ / "snapshot.base").c_str(), &base), 0);
  EXPECT_EQ(base.st_mode & 0777, 0600u);
}

TEST_F(StateStoreTest, AfterATornTailItGoesOnWhereTheGoodPartEnded) {
  StateStore store(directory_.path());
  auto now = *store.load();
  move_to(store, now, with_pool(now, "a"));
  move_to(store, now, with_pool(now, "b"));
  std::ofstream(directory_ / "snapshot.log", std::ios::app) << "torn";
  StateStore next(directory_.path());
  auto found = *next.load();
  EXPECT_TRUE(found == now);
  move_to(next, found, with_pool(found, "c"));
  EXPECT_TRUE(reload() == found);
}

TEST_F(StateStoreTest, ALogThatOutgrowsItsBaseIsCompacted) {
  StateStore store(directory_.path());
  auto now = *store.load();
  move_to(store, now, with_pool(now, "a"));
  std::uintmax_t largest_log_bytes = 0;
  for (int i = 0; i < 40; ++i) {
    move_to(store, now, with_pool(now, "big", 100'000));
    largest_log_bytes = std::max(largest_log_bytes, std::filesystem::file_size(directory_ / "snapshot.log"));
  }
  EXPECT_LT(largest_log_bytes, 1'300'000u);
  EXPECT_TRUE(reload() == now);
}

TEST_F(StateStoreTest, ASnapshotThatGoesBackReplacesEverything) {
  StateStore store(directory_.path());
  auto now = *store.load();
  for (int i = 0; i < 3; ++i) move_to(store, now, with_pool(now, std::to_string(i)));
  const auto older = with_pool({}, "restored");
  ASSERT_TRUE(store.append(full(older), older).ok());
  EXPECT_TRUE(reload() == older);
}

TEST_F(StateStoreTest, AnUnusableBaseIsIgnoredAndReplaced) {
  std::ofstream(directory_ / "snapshot.base") << "rubbish";
  StateStore store(directory_.path());
  auto now = *store.load();
  EXPECT_EQ(now.revision, 0u);
  move_to(store, now, with_pool(now, "a"));
  EXPECT_TRUE(reload() == now);
}

}  // namespace
}  // namespace headgate::node
