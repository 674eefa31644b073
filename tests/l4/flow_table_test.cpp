// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/flow_table.hpp"

#include <random>
#include <unordered_map>

#include <gtest/gtest.h>

#include "dataplane/l4/flow_hash.hpp"

namespace headgate::l4 {
namespace {

FlowKeyV4 flow_of(uint32_t number, FlowKeyV4) {
  return {
      Be32(number * 2654435761u), Be32(7), Be16(static_cast<uint16_t>(number)), Be16(80), kProtocolTcp, {}};
}
FlowKeyV6 flow_of(uint32_t number, FlowKeyV6) {
  FlowKeyV6 flow{{}, {}, Be16(static_cast<uint16_t>(number)), Be16(80), kProtocolTcp, {}};
  std::memcpy(flow.src.data() + 3, &number, sizeof number);
  return flow;
}

constexpr auto kNoneForeign = [](FlowEntry) { return false; };

// By the number of a flow.
template <typename Flow>
class FlowTableTest : public testing::Test {
 protected:
  using Key = decltype(client_key_of(Flow{}));
  using Table = FlowTable<Key>;

  static Key key(uint32_t number) { return client_key_of(flow_of(number, Flow{})); }
  static uint64_t hash(uint32_t number) { return hash_flow(flow_of(number, Flow{})); }
  static FlowEntry* find(Table& table, uint32_t number, Tick now) {
    return table.find(key(number), hash(number), now);
  }
  static auto insert(Table& table, uint32_t number, FlowEntry value, Tick now) {
    return table.insert(key(number), hash(number), value, now, kNoneForeign);
  }
};
using Flows = testing::Types<FlowKeyV4, FlowKeyV6>;
TYPED_TEST_SUITE(FlowTableTest, Flows);

// Against std::unordered_map: the table may forget (it is bounded), it must never say something else.
TYPED_TEST(FlowTableTest, NeverTellsAnotherFlowsTarget) {
  std::mt19937 random(1);
  typename TestFixture::Table table(500, 12345);
  std::unordered_map<uint32_t, FlowEntry> oracle;
  uint64_t found = 0;
  uint64_t forgotten = 0;
  for (uint32_t turn = 0; turn < 200'000; ++turn) {
    const Tick now(turn / 2000);
    const uint32_t number = random() % 3000;
    FlowEntry* entry = this->find(table, number, now);
    const auto expected = oracle.find(number);
    if (entry != nullptr) {
      ASSERT_TRUE(expected != oracle.end());
      ASSERT_EQ(*entry, expected->second);
      ASSERT_FALSE(entry->expired(now));
      ++found;
    } else if (expected != oracle.end() && !expected->second.expired(now)) {
      ++forgotten;
    }
    const FlowEntry value(random() % limits::kTargetIdsMax, static_cast<FlowState>(1 + random() % 3), now);
    if (entry != nullptr)
      *entry = value;
    else
      this->insert(table, number, value, now);
    oracle[number] = value;
    if (turn % 500 == 0) table.sweep(37, now);
    ASSERT_LE(table.size(), table.capacity());
  }
  EXPECT_GT(found, 1000u);
  EXPECT_GT(forgotten, 1000u);  // the test has reached the bound
}

TYPED_TEST(FlowTableTest, HoldsTheFlowsItIsMadeForWithFewForgotten) {
  constexpr uint32_t kEntries = 20'000;
  typename TestFixture::Table table(kEntries, 99);
  uint32_t evicted = 0;
  for (uint32_t number = 0; number < kEntries; ++number) {
    const FlowEntry value(number, FlowState::kEstablished, Tick(1));
    evicted += this->insert(table, number, value, Tick(1)) == TestFixture::Table::Insert::kEvicted;
  }
  EXPECT_LT(evicted, kEntries / 20);
  uint32_t found = 0;  // in either half of its group
  for (uint32_t number = 0; number < kEntries; ++number) {
    const FlowEntry* entry = this->find(table, number, Tick(1));
    if (entry == nullptr) continue;
    EXPECT_EQ(entry->target_id(), number);
    ++found;
  }
  EXPECT_EQ(found, kEntries - evicted);
}

TYPED_TEST(FlowTableTest, AFloodOfNewFlowsForgetsNoEstablishedOne) {
  typename TestFixture::Table table(2000, 5);
  const auto established = [&](Tick now) {
    uint32_t known = 0;
    for (uint32_t number = 0; number < 200; ++number) known += this->find(table, number, now) != nullptr;
    return known;
  };
  for (uint32_t number = 0; number < 200; ++number)
    this->insert(table, number, FlowEntry(number, FlowState::kEstablished, Tick(1)), Tick(1));
  const uint32_t before = established(Tick(1));
  for (uint32_t number = 1000; number < 100'000; ++number)
    if (this->find(table, number, Tick(2)) == nullptr)
      this->insert(table, number, FlowEntry(number % 1000, FlowState::kNew, Tick(2)), Tick(2));
  EXPECT_GT(before, 195u);
  EXPECT_EQ(established(Tick(2)), before);
}

TYPED_TEST(FlowTableTest, ExpiresByStateAndSweepsAll) {
  typename TestFixture::Table table(1000, 5);
  for (const FlowState state : {FlowState::kNew, FlowState::kEstablished, FlowState::kClosing}) {
    const uint32_t lifetime = FlowEntry::lifetime_ticks(state);
    this->insert(table, 1, FlowEntry(1, state, Tick(1000)), Tick(1000));  // wraps on the way
    EXPECT_NE(this->find(table, 1, Tick(1000 + lifetime)), nullptr);
    EXPECT_EQ(this->find(table, 1, Tick(1000 + lifetime + 1)), nullptr);
    EXPECT_EQ(table.size(), 1u);
    table.sweep(table.bucket_count(), Tick(1000 + lifetime + 1));
    EXPECT_EQ(table.size(), 0u);
  }
}

TYPED_TEST(FlowTableTest, AnExpiredEntryIsReplacedAndNotDoubled) {
  typename TestFixture::Table table(1000, 5);
  this->insert(table, 1, FlowEntry(1, FlowState::kNew, Tick(0)), Tick(0));
  this->insert(table, 1, FlowEntry(2, FlowState::kNew, Tick(400)), Tick(400));
  EXPECT_EQ(table.size(), 1u);
  ASSERT_NE(this->find(table, 1, Tick(400)), nullptr);
  EXPECT_EQ(this->find(table, 1, Tick(400))->target_id(), 2u);
}

// Two flows that differ in the address of ours alone, in one group: both stand, and neither is the other's.
TYPED_TEST(FlowTableTest, OneClientPortMayHaveFlowsOfTwoListeners) {
  typename TestFixture::Table table(1000, 5);
  const auto key = this->key(1);
  const uint64_t hash = this->hash(1);
  const auto odd_is_foreign = [](FlowEntry entry) { return entry.target_id() % 2 == 1; };
  const auto even_is_foreign = [](FlowEntry entry) { return entry.target_id() % 2 == 0; };
  table.insert(key, hash, FlowEntry(2, FlowState::kNew, Tick(0)), Tick(0), odd_is_foreign);
  EXPECT_EQ(table.find_own(key, hash, Tick(0), even_is_foreign), nullptr);
  table.insert(key, hash, FlowEntry(3, FlowState::kNew, Tick(0)), Tick(0), even_is_foreign);
  EXPECT_EQ(table.size(), 2u);
  const auto id_of = [&](auto foreign) { return table.find_own(key, hash, Tick(0), foreign)->target_id(); };
  EXPECT_EQ(id_of(odd_is_foreign), 2u);
  EXPECT_EQ(id_of(even_is_foreign), 3u);
}

}  // namespace
}  // namespace headgate::l4
