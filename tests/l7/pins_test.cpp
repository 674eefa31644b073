// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/pins.hpp"

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/crossing/publisher.hpp"

namespace headgate::l7 {
namespace {

struct Held {
  std::string text;
  uint32_t slot = 0;
};

TEST(Pins, AnObjectStaysWhileATableOrAThreadHoldsIt) {
  Keeper<Held> keeper(2);
  auto in_table = keeper.keep({"a", 0});
  Pin<Held> first(*in_table, keeper.row(0));
  Pin<Held> second(*in_table, keeper.row(1));
  EXPECT_EQ(keeper.reclaim(), 0U) << "held by a table, so it does not wait";
  in_table.reset();
  EXPECT_EQ(keeper.reclaim(), 1U);
  Pin<Held> moved = std::move(first);
  second.reset();
  EXPECT_EQ(keeper.reclaim(), 1U);
  EXPECT_EQ(moved->text, "a");
  moved = Pin<Held>();
  EXPECT_EQ(keeper.reclaim(), 0U);
}

TEST(Pins, ASlotBelongsToOneObjectAtATimeAndStartsAnew) {
  Keeper<Held> keeper(1);
  auto first = keeper.keep({"a", 0});
  auto second = keeper.keep({"b", 0});
  EXPECT_NE(first->slot, second->slot);
  for (int i = 0; i < 10'000; ++i) {
    auto next = keeper.keep({"c", 0});
    ASSERT_NE(next->slot, first->slot);
    ASSERT_NE(next->slot, second->slot);
    ASSERT_LT(next->slot, 2'000U) << "slots are used again";
    auto& cell = keeper.row(0).cell(next->slot);
    ASSERT_EQ(cell.tally, 0U);
    cell.tally = 5;
    next.reset();
    keeper.reclaim();
  }
}

// Workers pin what they find and look at it long after its table went; the control thread replaces tables and
// frees what nobody holds. A freed object that is still read is AddressSanitizer's to find, a race TSan's.
TEST(Pins, HoldAcrossThreadsWhileTablesChange) {
  constexpr std::size_t kWorkers = 3;
  constexpr int kTables = 2'000;
  using Table = std::shared_ptr<const Held>;
  Keeper<Held> keeper(kWorkers);
  const auto table = [&](int i) {
    return std::make_unique<const Table>(keeper.keep({std::to_string(i), 0}));
  };
  {
    crossing::Publisher<Table> publisher(kWorkers, table(0));
    std::atomic<bool> done{false};
    std::vector<std::jthread> workers;
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
      workers.emplace_back([&, worker, reader = publisher.reader(worker)]() mutable {
        std::array<Pin<Held>, 5> pins;
        for (std::size_t turn = 0; !done.load(std::memory_order_relaxed); ++turn) {
          auto& pin = pins[turn % pins.size()];
          ASSERT_TRUE(!pin || !pin->text.empty());
          pin = Pin<Held>(*reader.refresh(), keeper.row(worker));
        }
        reader.offline();
      });
    }
    for (int i = 1; i < kTables; ++i) {
      publisher.publish(table(i));
      publisher.reclaim();
      keeper.reclaim();
    }
    done = true;
  }
  EXPECT_EQ(keeper.reclaim(), 0U);
}

}  // namespace
}  // namespace headgate::l7
