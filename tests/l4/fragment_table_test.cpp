// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/fragment_table.hpp"

#include <gtest/gtest.h>

namespace headgate::l4 {
namespace {

FragmentKey key(uint32_t id, uint32_t family = 4) {
  return {.src = {1}, .dst = {2}, .id = id, .family = family};
}

TEST(FragmentTable, RemembersByTheWholeKeyForAWhile) {
  FragmentTable table(64, 1);
  table.remember(key(1), 5, Tick(10));
  EXPECT_EQ(table.find(key(1), Tick(10)), 5u);
  EXPECT_EQ(table.find(key(2), Tick(10)), std::nullopt);
  EXPECT_EQ(table.find(key(1, 6), Tick(10)), std::nullopt);
  EXPECT_EQ(table.find(key(1), Tick(10 + FragmentTable::kLifetimeTicks)), 5u);
  EXPECT_EQ(table.find(key(1), Tick(10 + FragmentTable::kLifetimeTicks + 1)), std::nullopt);
  table.remember(key(1), 6, Tick(11));
  EXPECT_EQ(table.find(key(1), Tick(11)), 6u);
}

TEST(FragmentTable, TheNewestSurviveAFlood) {
  FragmentTable table(64, 1);
  for (uint32_t id = 0; id < 100'000; ++id) {
    table.remember(key(id), id, Tick(id / 1000));
    ASSERT_EQ(table.find(key(id), Tick(id / 1000)), id);
  }
}

TEST(FragmentTable, OfASetTheOldestGivesWay) {
  FragmentTable table(4, 1);  // one set
  for (uint32_t id = 0; id < 4; ++id) table.remember(key(id), id, Tick(id));
  table.remember(key(9), 9, Tick(5));
  EXPECT_EQ(table.find(key(0), Tick(5)), std::nullopt);
  for (const uint32_t id : {1, 2, 3, 9}) EXPECT_EQ(table.find(key(id), Tick(5)), id);
}

}  // namespace
}  // namespace headgate::l4
