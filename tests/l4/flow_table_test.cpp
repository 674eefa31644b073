// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/flow_table.hpp"

#include <random>
#include <unordered_map>

#include <gtest/gtest.h>

#include "dataplane/l4/flow_hash.hpp"

namespace headgate::l4 {
namespace {

template <typename Key>
Key key_of(uint32_t number);
template <>
FlowKeyV4 key_of(uint32_t number) {
  return {
      Be32(number * 2654435761u), Be32(7), Be16(static_cast<uint16_t>(number)), Be16(80), kProtocolTcp, {}};
}
template <>
FlowKeyV6 key_of(uint32_t number) {
  FlowKeyV6 key{{}, {}, Be16(static_cast<uint16_t>(number)), Be16(80), kProtocolTcp, {}};
  std::memcpy(key.src.data() + 3, &number, sizeof number);
  return key;
}

template <typename Key>
class FlowTableTest : public testing::Test {};
using Keys = testing::Types<FlowKeyV4, FlowKeyV6>;
TYPED_TEST_SUITE(FlowTableTest, Keys);

// Against std::unordered_map: the table may forget (it is bounded), it must never say something else.
TYPED_TEST(FlowTableTest, NeverTellsAnotherFlowsTarget) {
  std::mt19937 random(1);
  FlowTable<TypeParam> table(500, 12345);
  std::unordered_map<uint32_t, FlowEntry> oracle;
  uint64_t found = 0;
  uint64_t forgotten = 0;
  for (uint32_t turn = 0; turn < 200'000; ++turn) {
    const Tick now(turn / 2000);
    const uint32_t number = random() % 3000;
    const auto key = key_of<TypeParam>(number);
    const uint64_t hash = hash_flow(key);
    FlowEntry* entry = table.find(key, hash, now);
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
      table.insert(key, hash, value, now);
    oracle[number] = value;
    if (turn % 500 == 0) table.sweep(37, now);
    ASSERT_LE(table.size(), table.capacity());
  }
  EXPECT_GT(found, 1000u);
  EXPECT_GT(forgotten, 1000u);  // the test has reached the bound
}

TYPED_TEST(FlowTableTest, HoldsTheFlowsItIsMadeForWithFewForgotten) {
  constexpr uint32_t kFlows = 20'000;
  FlowTable<TypeParam> table(kFlows, 99);
  uint32_t evicted = 0;
  for (uint32_t number = 0; number < kFlows; ++number) {
    const auto key = key_of<TypeParam>(number);
    const FlowEntry value(number, FlowState::kEstablished, Tick(1));
    evicted += table.insert(key, hash_flow(key), value, Tick(1)) == FlowTable<TypeParam>::Insert::kEvicted;
  }
  EXPECT_LT(evicted, kFlows / 20);
  uint32_t found = 0;  // in either half of its group
  for (uint32_t number = 0; number < kFlows; ++number) {
    const auto key = key_of<TypeParam>(number);
    const FlowEntry* entry = table.find(key, hash_flow(key), Tick(1));
    if (entry == nullptr) continue;
    EXPECT_EQ(entry->target_id(), number);
    ++found;
  }
  EXPECT_EQ(found, kFlows - evicted);
}

TYPED_TEST(FlowTableTest, AFloodOfNewFlowsForgetsNoEstablishedOne) {
  FlowTable<TypeParam> table(2000, 5);
  for (uint32_t number = 0; number < 200; ++number) {
    const auto key = key_of<TypeParam>(number);
    table.insert(key, hash_flow(key), FlowEntry(number, FlowState::kEstablished, Tick(1)), Tick(1));
  }
  uint32_t before = 0;
  for (uint32_t number = 0; number < 200; ++number) {
    const auto key = key_of<TypeParam>(number);
    before += table.find(key, hash_flow(key), Tick(1)) != nullptr;
  }
  for (uint32_t number = 1000; number < 100'000; ++number) {
    const auto key = key_of<TypeParam>(number);
    const uint64_t hash = hash_flow(key);
    if (table.find(key, hash, Tick(2)) == nullptr)
      table.insert(key, hash, FlowEntry(number % 1000, FlowState::kNew, Tick(2)), Tick(2));
  }
  uint32_t after = 0;
  for (uint32_t number = 0; number < 200; ++number) {
    const auto key = key_of<TypeParam>(number);
    after += table.find(key, hash_flow(key), Tick(2)) != nullptr;
  }
  EXPECT_GT(before, 195u);
  EXPECT_EQ(after, before);
}

TYPED_TEST(FlowTableTest, ExpiresByStateAndSweepsAll) {
  FlowTable<TypeParam> table(1000, 5);
  const auto key = key_of<TypeParam>(1);
  const uint64_t hash = hash_flow(key);
  for (const FlowState state : {FlowState::kNew, FlowState::kEstablished, FlowState::kClosing}) {
    const uint32_t lifetime = FlowEntry::lifetime_ticks(state);
    table.insert(key, hash, FlowEntry(1, state, Tick(1000)), Tick(1000));  // wraps on the way
    EXPECT_NE(table.find(key, hash, Tick(1000 + lifetime)), nullptr);
    EXPECT_EQ(table.find(key, hash, Tick(1000 + lifetime + 1)), nullptr);
    EXPECT_EQ(table.size(), 1u);
    table.sweep(table.bucket_count(), Tick(1000 + lifetime + 1));
    EXPECT_EQ(table.size(), 0u);
  }
}

TYPED_TEST(FlowTableTest, AnExpiredEntryIsReplacedAndNotDoubled) {
  FlowTable<TypeParam> table(1000, 5);
  const auto key = key_of<TypeParam>(1);
  const uint64_t hash = hash_flow(key);
  table.insert(key, hash, FlowEntry(1, FlowState::kNew, Tick(0)), Tick(0));
  table.insert(key, hash, FlowEntry(2, FlowState::kNew, Tick(400)), Tick(400));
  EXPECT_EQ(table.size(), 1u);
  ASSERT_NE(table.find(key, hash, Tick(400)), nullptr);
  EXPECT_EQ(table.find(key, hash, Tick(400))->target_id(), 2u);
}

}  // namespace
}  // namespace headgate::l4
