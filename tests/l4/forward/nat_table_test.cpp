// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/nat_table.hpp"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace headgate::l4 {
namespace {

constexpr uint32_t kTarget = 7;
constexpr uint64_t kBackend = 0x1234'5678'9abc'def0;
constexpr Tick kNow(100);
const auto any_target = [](uint32_t) { return true; };

template <typename Key>
Key client(uint32_t number) {
  Key key{};
  std::memcpy(static_cast<void*>(&key), &number, sizeof number);
  key.src_port = Be16(40'000);
  key.dst_port = Be16(80);
  return key;
}
FlowEntry state(FlowState state, Tick seen = kNow) { return FlowEntry(kTarget, state, seen); }

uint64_t hash_of(uint32_t number) {
  std::mt19937_64 random(number);
  return random();
}

template <typename Key>
struct NatTableOf {
  NatTable<Key> table;
  NatFlow<Key>* open(uint32_t number, FlowState as = FlowState::kNew, uint64_t backend = kBackend) {
    return table.open(client<Key>(number), state(as), backend, hash_of(number), kNow);
  }
  NatFlow<Key>* find(uint32_t number, Tick now = kNow, uint64_t backend = kBackend) {
    return table.find(client<Key>(number), kTarget, backend, hash_of(number), now);
  }
};

template <typename Key>
class NatTableTest : public testing::Test {
 protected:
  NatTableOf<Key> of_{{1024, 1, NatPorts{}}};
};
using Keys = testing::Types<ClientKeyV4, ClientKeyV6>;
TYPED_TEST_SUITE(NatTableTest, Keys);

TYPED_TEST(NatTableTest, AFlowIsFoundByItsClientAndByItsPort) {
  EXPECT_EQ(this->of_.find(1), nullptr);
  auto* flow = this->of_.open(1);
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(this->of_.find(1), flow);
  EXPECT_EQ(this->of_.table.find_port(kBackend, flow->port, kNow, any_target), flow);
  EXPECT_EQ(this->of_.table.find_number(this->of_.table.number_of(*flow), kNow), flow);
  EXPECT_EQ(this->of_.find(2), nullptr);
  EXPECT_EQ(this->of_.table.size(), 1u);
}

TYPED_TEST(NatTableTest, AnAnswerOfAnotherBackendIsNotItsFlows) {
  const auto* flow = this->of_.open(1);
  ASSERT_NE(flow, nullptr);
  EXPECT_EQ(this->of_.table.find_port(kBackend + 1, flow->port, kNow, any_target), nullptr);
  EXPECT_EQ(this->of_.table.find_port(kBackend, flow->port, kNow, [](uint32_t) { return false; }), nullptr);
}

TYPED_TEST(NatTableTest, WhatHasExpiredIsNotKnownAndGoesWithTheSweep) {
  const auto port = this->of_.open(1)->port;
  const Tick later(kNow.number() + FlowEntry::lifetime_ticks(FlowState::kNew) + 1);
  EXPECT_EQ(this->of_.find(1, later), nullptr);
  EXPECT_EQ(this->of_.table.find_port(kBackend, port, later, any_target), nullptr);
  this->of_.table.sweep(this->of_.table.bucket_count(), later);
  EXPECT_EQ(this->of_.table.size(), 0u);
}

TYPED_TEST(NatTableTest, NoPortIsGivenToTwoFlowsOfABackend) {
  std::set<std::pair<uint64_t, uint16_t>> given;
  for (uint32_t number = 0; number < 1024; ++number) {
    const uint64_t backend = kBackend + number % 3;
    const auto* flow = this->of_.open(number, FlowState::kEstablished, backend);
    ASSERT_NE(flow, nullptr) << number;
    EXPECT_TRUE(given.emplace(backend, flow->port).second);
    EXPECT_GE(flow->port, NatPorts{}.first);
    EXPECT_LE(flow->port, NatPorts{}.last);
  }
  for (uint32_t number = 0; number < 1024; ++number)
    ASSERT_NE(this->of_.find(number, kNow, kBackend + number % 3), nullptr) << number;
  EXPECT_EQ(this->of_.table.evicted(), 0u);
}

// What it was made for is at four fifths of its slots.
TYPED_TEST(NatTableTest, TakesHardlyLessThanItHasSlots) {
  uint32_t refused = 0;
  const auto flows = static_cast<uint32_t>(this->of_.table.capacity() * 4 / 5);
  for (uint32_t number = 0; number < flows; ++number)
    refused += this->of_.open(number, FlowState::kEstablished) == nullptr;
  EXPECT_LT(refused, flows / 50);
}

TYPED_TEST(NatTableTest, WhereItIsFullWhatIsNewGivesWayAndWhatIsEstablishedNever) {
  const auto flows = static_cast<uint32_t>(this->of_.table.capacity() * 4);
  std::vector<uint32_t> kept;
  for (uint32_t number = 0; number < this->of_.table.capacity() / 2; ++number)
    if (this->of_.open(number, FlowState::kEstablished) != nullptr) kept.push_back(number);
  for (uint32_t number = 1'000'000; number < 1'000'000 + flows; ++number) this->of_.open(number);
  EXPECT_GT(this->of_.table.evicted(), 0u);
  for (const uint32_t number : kept) ASSERT_NE(this->of_.find(number), nullptr) << number;
  EXPECT_LE(this->of_.table.size(), this->of_.table.capacity());
}

TYPED_TEST(NatTableTest, AFewPortsThatAreAllInUseAreNotGivenAgain) {
  NatTableOf<TypeParam> few{{1024, 1, NatPorts{.first = 2000, .last = 2007}}};
  std::set<uint16_t> given;
  for (uint32_t number = 0; number < 100; ++number)
    if (const auto* flow = few.open(number, FlowState::kEstablished)) {
      EXPECT_TRUE(given.insert(flow->port).second);
    }
  EXPECT_FALSE(given.empty());
  EXPECT_GE(*given.begin(), 2000);
  EXPECT_LE(*given.rbegin(), 2007);
}

TEST(NatPorts, APortTellsWhoseItIs) {
  for (const uint16_t workers : {1, 2, 3, 64}) {
    std::vector<unsigned> of_worker(workers);
    for (unsigned port = 0; port <= UINT16_MAX; ++port) {
      const NatPorts ports{.workers = workers};
      const uint16_t owner = ports.owner_of(static_cast<uint16_t>(port));
      if (port < ports.first || port > ports.last) {
        ASSERT_EQ(owner, workers) << port;
      } else if (owner < workers) {
        ++of_worker[owner];
        const NatPorts own{.worker = owner, .workers = workers};
        const uint16_t first = own.first_of(own.group_of(static_cast<uint16_t>(port)));
        ASSERT_TRUE(port >= first && port < first + NatPorts::kPerGroup) << port;
      }
    }
    for (const unsigned count : of_worker)
      EXPECT_EQ(count, NatPorts{.workers = workers}.groups() * NatPorts::kPerGroup);
  }
}

}  // namespace
}  // namespace headgate::l4
