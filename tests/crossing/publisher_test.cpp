// SPDX-License-Identifier: Apache-2.0
#include "dataplane/crossing/publisher.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace headgate::crossing {
namespace {

struct Table {
  explicit Table(int n) : first(n), second(n) {}
  ~Table() { first = -1; }
  int first;
  int second;
};

TEST(Publisher, KeepsATableWhileAReaderMaySeeIt) {
  Publisher<Table> publisher(1, std::make_unique<Table>(1));
  auto reader = publisher.reader(0);
  const Table& held = reader.refresh();
  const auto version = publisher.publish(std::make_unique<Table>(2));
  EXPECT_EQ(publisher.reclaim(), 2u);
  EXPECT_FALSE(publisher.seen_by_all(version));
  EXPECT_EQ(held.first, 1);
  EXPECT_EQ(reader.refresh().first, 2);
  EXPECT_TRUE(publisher.seen_by_all(version));
  EXPECT_EQ(publisher.reclaim(), 1u);
}

TEST(Publisher, AnOfflineReaderPinsNothing) {
  Publisher<Table> publisher(1, std::make_unique<Table>(1));
  auto reader = publisher.reader(0);
  reader.refresh();
  reader.offline();
  publisher.publish(std::make_unique<Table>(2));
  EXPECT_EQ(publisher.reclaim(), 1u);
}

TEST(Publisher, ReadersNeverSeeHalfATableNorAFreedOne) {
  Publisher<Table> publisher(2, std::make_unique<Table>(1));
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};
  std::vector<std::thread> workers;
  for (std::size_t index = 0; index < 2; ++index)
    workers.emplace_back([&, index] {
      auto reader = publisher.reader(index);
      for (int turn = 0; !stop.load(std::memory_order_relaxed); ++turn) {
        const Table& table = reader.refresh();
        if (table.first != table.second || table.first < 0) ++torn;
        if (turn % 7 == 0) reader.offline();
      }
      reader.offline();
    });
  for (int n = 2; n < 20'000; ++n) {
    publisher.publish(std::make_unique<Table>(n));
    publisher.reclaim();
  }
  stop = true;
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(publisher.reclaim(), 1u);
}

}  // namespace
}  // namespace headgate::crossing
