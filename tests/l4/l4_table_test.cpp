// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/l4_table.hpp"

#include <gtest/gtest.h>

#include "tests/support/l4_snapshot.hpp"

namespace headgate::l4 {
namespace {

using test::L4Snapshot;

constexpr const char* kLocal4 = "198.19.255.1";

std::unique_ptr<const L4Table> build(const L4Snapshot& snapshot, const L4Table* previous = nullptr,
                                     Tick now = Tick(0)) {
  auto table = L4Table::build(snapshot.build(), previous, now);
  EXPECT_TRUE(table.ok()) << table.error().message;
  return std::move(table).value();
}

ServiceKeyV4 service(const char* endpoint) {
  const auto parsed = *Endpoint::parse(endpoint);
  return {Be32(parsed.address.v4_host_order()), Be16(parsed.port), kProtocolTcp, 0};
}
AddressKeyV4 address(const char* text) { return {Be32(IpAddress::parse(text)->v4_host_order()), Be32(0)}; }

TEST(L4Table, FindsListenersLocalsAndRoles) {
  const auto table = build(L4Snapshot(7)
                               .listener("192.0.2.100:80")
                               .targets(2, 1, kLocal4, 2000)
                               .listener("[2001:db8::100]:80")
                               .targets(2, 11, "fd68:6764:7465::1", 2000));
  EXPECT_EQ(table->revision(), 7u);
  ASSERT_NE(table->find(service("192.0.2.100:80")), nullptr);
  EXPECT_EQ(table->find(service("192.0.2.100:81")), nullptr);
  EXPECT_EQ(table->find(service("192.0.2.101:80")), nullptr);
  ASSERT_NE(table->find_local(service("198.19.255.1:2001")), nullptr);
  EXPECT_EQ(table->find_local(service("198.19.255.1:2001"))->id, 2u);
  EXPECT_EQ(table->find_local(service("198.19.255.1:2002")), nullptr);
  EXPECT_EQ(table->role(address("192.0.2.100")), AddressRole::kVip);
  EXPECT_EQ(table->role(address(kLocal4)), AddressRole::kLocal);
  EXPECT_EQ(table->role(address("192.0.2.101")), AddressRole::kNone);
  const ServiceKeyV6 v6{IpAddress::parse("2001:db8::100")->bytes(), Be16(80), kProtocolTcp, {}};
  ASSERT_NE(table->find(v6), nullptr);
  EXPECT_EQ(table->target_of_id(11, *table->find(v6))->id, 11u);
  EXPECT_EQ(table->target_of_id(1, *table->find(v6)), nullptr);
  EXPECT_EQ(table->target_of_id(99), nullptr);
}

TEST(L4Table, AnAddressOfTargetsIsNoVip) {
  const auto table = build(L4Snapshot(1)
                               .listener("198.19.255.1:80")
                               .targets(1, 1, kLocal4, 2000)
                               .listener("192.0.2.100:80")
                               .targets(1, 2, kLocal4, 3000));
  EXPECT_EQ(table->find(service("198.19.255.1:80")), nullptr);
  EXPECT_EQ(table->role(address(kLocal4)), AddressRole::kLocal);
  ASSERT_NE(table->find(service("192.0.2.100:80")), nullptr);
  EXPECT_EQ(table->role(address("192.0.2.100")), AddressRole::kVip);
}

TEST(L4Table, ListenersOfOneShardShareTheirMaglev) {
  const auto table = build(L4Snapshot(1)
                               .listener("192.0.2.100:80")
                               .targets(2, 1, kLocal4, 2000)
                               .listener("192.0.2.101:80")
                               .targets(2, 11, kLocal4, 3000));
  EXPECT_EQ(table->listener(0).now.maglev, table->listener(1).now.maglev);
  const auto next =
      build(L4Snapshot(2).listener("192.0.2.101:80").targets(2, 11, kLocal4, 3000), table.get());
  EXPECT_EQ(next->listener(0).now.maglev, table->listener(0).now.maglev);
}

TEST(L4Table, TheOrderOfTargetsDoesNotMatter) {
  const auto one = build(L4Snapshot(1)
                             .listener("192.0.2.100:80")
                             .target(1, "a", "198.19.255.1:1")
                             .target(2, "b", "198.19.255.1:2"));
  const auto two = build(L4Snapshot(1)
                             .listener("192.0.2.100:80")
                             .target(2, "b", "198.19.255.1:2")
                             .target(1, "a", "198.19.255.1:1"));
  EXPECT_EQ(one->listener(0).now.ids, two->listener(0).now.ids);
  EXPECT_EQ(one->listener(0).now.maglev->slots(), two->listener(0).now.maglev->slots());
}

TEST(L4Table, ADrainingTargetGetsNoSlots) {
  const auto table = build(L4Snapshot(1)
                               .listener("192.0.2.100:80")
                               .target(1, "a", "198.19.255.1:1")
                               .target(2, "b", "198.19.255.1:2", 1, true));
  for (const auto position : table->listener(0).now.maglev->slots())
    ASSERT_EQ(table->listener(0).now.ids[position], 1u);
}

TEST(L4Table, AChangeOfTargetsIsHandedOverForAWhile) {
  const L4Snapshot one = L4Snapshot(1).listener("192.0.2.100:80").targets(1, 1, kLocal4, 2000);
  const L4Snapshot two = L4Snapshot(2).listener("192.0.2.100:80").targets(2, 1, kLocal4, 2000);
  const auto first = build(one, nullptr, Tick(10));
  EXPECT_EQ(first->listener(0).before.maglev, nullptr);
  const auto second = build(two, first.get(), Tick(20));
  ASSERT_EQ(second->listener(0).before.maglev, first->listener(0).now.maglev);
  EXPECT_EQ(second->listener(0).changed_at, Tick(20));
  const auto unrelated = build(two, second.get(), Tick(22));
  EXPECT_EQ(unrelated->listener(0).before.maglev, first->listener(0).now.maglev);
  EXPECT_EQ(unrelated->listener(0).changed_at, Tick(20));
  const auto later = build(two, unrelated.get(), Tick(20 + L4Table::kHandoverTicks + 1));
  EXPECT_EQ(later->listener(0).before.maglev, nullptr);
}

TEST(L4Table, ARemovedTargetLingersAndThenGoes) {
  const auto first =
      build(L4Snapshot(1).listener("192.0.2.100:80").targets(2, 1, kLocal4, 2000), nullptr, Tick(0));
  const L4Snapshot less = L4Snapshot(2).listener("192.0.2.100:80").targets(1, 1, kLocal4, 2000);
  const auto second = build(less, first.get(), Tick(5));
  ASSERT_NE(second->target_of_id(2, 0), nullptr);
  EXPECT_TRUE(second->target_of_id(2, 0)->drain);
  EXPECT_NE(second->find_local(service("198.19.255.1:2001")), nullptr);
  const auto kept = build(less, second.get(), Tick(900));
  EXPECT_NE(kept->target_of_id(2, 0), nullptr);
  const auto gone = L4Table::build(less.build(), kept.get(), Tick(901), {}, {2});
  ASSERT_TRUE(gone.ok());
  EXPECT_EQ((*gone)->target_of_id(2), nullptr);
  EXPECT_EQ((*gone)->find_local(service("198.19.255.1:2001")), nullptr);
  EXPECT_EQ(build(less, gone->get(), Tick(902))->target_of_id(2), nullptr) << "it does not come back";
}

TEST(L4Table, ADrainThatHasEndedKeepsNoFlow) {
  const auto drains = L4Snapshot(1)
                          .listener("192.0.2.100:80")
                          .target(1, "a", "198.19.255.1:2000")
                          .target(2, "b", "198.19.255.1:2001", 1, true);
  const auto table = L4Table::build(drains.build(), nullptr, Tick(0), {}, {2});
  ASSERT_TRUE(table.ok());
  EXPECT_EQ((*table)->target_of_id(2), nullptr);
  EXPECT_NE((*table)->target_of_id(1), nullptr);
}

TEST(L4Table, WhatLingersGivesItsAddressToANewTarget) {
  const auto first = build(L4Snapshot(1).listener("192.0.2.100:80").targets(2, 1, kLocal4, 2000));
  const auto second = build(L4Snapshot(2)
                                .listener("192.0.2.100:80")
                                .target(1, "edge/0", "198.19.255.1:2000")
                                .target(9, "edge/9", "198.19.255.1:2001"),
                            first.get());
  EXPECT_EQ(second->target_of_id(2), nullptr);
  EXPECT_EQ(second->find_local(service("198.19.255.1:2001"))->id, 9u);
}

TEST(L4Table, AListenerThatGoesTakesItsTargetsAlong) {
  const auto first = build(L4Snapshot(1).listener("192.0.2.100:80").targets(2, 1, kLocal4, 2000));
  const auto second = build(L4Snapshot(2), first.get());
  EXPECT_TRUE(second->targets().empty());
  EXPECT_EQ(second->role(address("192.0.2.100")), AddressRole::kNone);
}

TEST(L4Table, RefusesWhatItCannotServe) {
  const auto refusal = [](const L4Snapshot& snapshot) {
    const auto built = L4Table::build(snapshot.build(), nullptr, Tick(0));
    EXPECT_FALSE(built.ok());
    return built.ok() ? std::string() : built.error().message;
  };
  L4Snapshot udp = L4Snapshot(1).listener("192.0.2.100:80");
  udp.last().protocol = contract::Protocol::kUdp;
  EXPECT_EQ(refusal(udp), "listener 192.0.2.100:80: replicas take no datagrams");
  EXPECT_EQ(refusal(L4Snapshot(1).listener("192.0.2.100:80").listener("192.0.2.100:80")),
            "listener 192.0.2.100:80: it is there twice");
  EXPECT_EQ(refusal(L4Snapshot(1).listener("192.0.2.100:80").target(1, "a", "[::1]:1")),
            "listener 192.0.2.100:80: target a is of the other address family");
  EXPECT_EQ(refusal(L4Snapshot(1).listener("192.0.2.100:80").target(1u << 20, "a", "198.19.255.1:1")),
            "listener 192.0.2.100:80: target id 1048576 is past the bound");
  EXPECT_EQ(refusal(L4Snapshot(1)
                        .listener("192.0.2.100:80")
                        .target(1, "a", "198.19.255.1:1")
                        .target(1, "b", "198.19.255.1:2")),
            "listener 192.0.2.100:80: target id 1 is there twice");
  EXPECT_EQ(
      refusal(L4Snapshot(1)
                  .listener("192.0.2.100:80")
                  .target(1, "a", "198.19.255.1:1")
                  .target(2, "b", "198.19.255.1:1")),
      "listener 192.0.2.100:80: 198.19.255.1:1 is the address of two targets whose answers nothing would "
      "tell apart");
  EXPECT_EQ(refusal(L4Snapshot(1)
                        .listener("192.0.2.100:80")
                        .forwarded("pool", contract::Forwarding::kNat)
                        .target(1, "a", "[2001:db8::1]:80")),
            "listener 192.0.2.100:80: target a is of the other address family");
}

// Until they are handed from worker to worker.
TEST(L4Table, RefusesFullnatWhereAnswersMayComeToAnotherWorker) {
  const auto snapshot = L4Snapshot(1)
                            .listener("192.0.2.100:80")
                            .forwarded("a", contract::Forwarding::kFullnat)
                            .target(1, "a", "10.0.0.1:8080")
                            .build();
  EXPECT_TRUE(L4Table::build(snapshot, nullptr, Tick(0), {}).ok());
  const auto refused = L4Table::build(snapshot, nullptr, Tick(0), {.answers_may_come_to_others = true});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("one worker"), std::string::npos);
}

TEST(L4Table, KnowsABackendByWhereItsAnswersComeFrom) {
  const Surroundings surroundings{
      .sources = {{*IpAddress::parse("10.0.0.1"), *IpAddress::parse("192.0.2.10")}}};
  const auto snapshot = L4Snapshot(1)
                            .listener("192.0.2.100:80")
                            .forwarded("a", contract::Forwarding::kNat)
                            .target(1, "a", "10.0.0.1:8080")
                            .listener("192.0.2.101:80")
                            .forwarded("a", contract::Forwarding::kFullnat)
                            .target(2, "a", "10.0.0.1:8080")
                            .listener("192.0.2.102:80")
                            .forwarded("a", contract::Forwarding::kFullnat)
                            .target(3, "a", "10.0.0.1:8080")
                            .build();
  const auto built = L4Table::build(snapshot, nullptr, Tick(0), surroundings);
  ASSERT_TRUE(built.ok()) << built.error().message;
  const L4Table& table = **built;
  const auto key = [](uint16_t port, uint8_t protocol) {
    return ServiceKeyV4{Be32(0x0a000001), Be16(port), protocol, 0};
  };
  const Backend* backend = table.find_backend(key(8080, kProtocolTcp));
  ASSERT_NE(backend, nullptr);
  EXPECT_EQ(backend->nat, table.target_of_id(1));
  ASSERT_NE(backend->fullnat, nullptr);
  EXPECT_EQ(backend->fullnat->source, IpAddress::parse("192.0.2.10"));
  for (const uint32_t id : {1, 2, 3}) EXPECT_EQ(table.target_of_id(id)->backend_number, backend->number);
  EXPECT_EQ(table.find_backend(key(8080, kProtocolUdp)), nullptr);
  EXPECT_EQ(table.find_backend(key(8081, kProtocolTcp)), nullptr);
  // Again, from the table before: the same hash, by which flows are found.
  const auto again = L4Table::build(snapshot, built->get(), Tick(1), surroundings);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->find_backend(key(8080, kProtocolTcp))->hash, backend->hash);
}

}  // namespace
}  // namespace headgate::l4
