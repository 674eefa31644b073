// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/pool_table.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/l7/pool_fixture.hpp"

namespace headgate::l7 {
namespace {

using contract::WhenAllDown;

TEST(PoolTable, ABackendIsUsableUntilItIsProvedDown) {
  PoolFixture fixture({.backends = {{"10.0.0.1"}, {"10.0.0.2"}, {"10.0.0.3"}}});
  EXPECT_EQ(fixture.eligible(), "10.0.0.1:80 10.0.0.2:80 10.0.0.3:80");
  fixture.down("10.0.0.2");
  EXPECT_EQ(fixture.eligible(), "10.0.0.1:80 10.0.0.3:80");
}

TEST(PoolTable, DrainAndWeightZeroTakeNothingNew) {
  PoolFixture fixture({.backends = {{"10.0.0.1"}, {"10.0.0.2", 0}, {"10.0.0.3", 1, true}}});
  EXPECT_EQ(fixture.eligible(), "10.0.0.1:80");
  EXPECT_TRUE(fixture.pool->serves(*fixture.find("10.0.0.3"))) << "its connections are still of use";
}

TEST(PoolTable, WhenAllAreDownItRefusesOrTriesAllButTheDraining) {
  for (const auto mode : {WhenAllDown::kRefuse, WhenAllDown::kTryAll}) {
    PoolFixture fixture(
        {.backends = {{"10.0.0.1"}, {"10.0.0.2"}, {"10.0.0.3", 1, true}}, .when_all_down = mode});
    fixture.down("10.0.0.1").down("10.0.0.2");
    EXPECT_EQ(fixture.eligible(), mode == WhenAllDown::kRefuse ? "" : "10.0.0.1:80 10.0.0.2:80");
  }
}

TEST(PoolTable, ANameExpandsToItsAddressesAndIsNothingUntilResolved) {
  PoolFixture fixture({.backends = {{"app.internal", 2}, {"10.0.0.9"}}});
  EXPECT_EQ(fixture.eligible(), "10.0.0.9:80");
  fixture.health({{"app.internal", {{"10.0.0.1", true}, {"10.0.0.2", false}, {"2001:db8::1", true}}}});
  EXPECT_EQ(fixture.eligible(), "10.0.0.1:80 10.0.0.9:80 [2001:db8::1]:80");
  EXPECT_EQ(fixture.pool->all[0].weight, 2U);
}

TEST(PoolTable, TwoBackendsWithOneAddressAreOneEndpointWithBothWeights) {
  PoolFixture fixture({.backends = {{"10.0.0.1", 2}, {"app.internal", 3}, {"10.0.0.1", 9, true}}});
  fixture.health({{"app.internal", {{"10.0.0.1", true}}}});
  ASSERT_EQ(fixture.eligible(), "10.0.0.1:80");
  EXPECT_EQ(fixture.pool->all[0].weight, 5U);
}

TEST(PoolTable, AddressesThatStayKeepTheirSlots) {
  PoolFixture fixture({.backends = {{"10.0.0.1"}, {"10.0.0.2"}}});
  const auto before = fixture.pool;
  fixture.change({.backends = {{"10.0.0.2", 7}, {"10.0.0.3"}}});
  EXPECT_EQ(fixture.pool->all[0].endpoint, before->all[1].endpoint);
  EXPECT_NE(fixture.pool->all[1].endpoint->slot, before->all[0].endpoint->slot);
}

TEST(PoolTable, AnotherProtocolIsAnotherEndpoint) {
  PoolFixture fixture({.backends = {{"10.0.0.1"}}});
  const auto before = fixture.pool;
  fixture.change({.backends = {{"10.0.0.1"}}, .protocol = contract::PoolProtocol::kH2c});
  EXPECT_NE(fixture.pool->all[0].endpoint, before->all[0].endpoint);
  EXPECT_NE(fixture.pool->all[0].endpoint->slot, before->all[0].endpoint->slot);
}

TEST(PoolTable, AHopIsOneEndpointThatKeepsItsIdentity) {
  PoolFixture fixture({.backends = {}});
  auto hop = *fixture.object;
  hop.hop_to = "team";
  const auto compile = [&](const ServingPool* previous) {
    return compile_pool(std::make_shared<const contract::Pool>(hop), fixture.identity, {}, previous,
                        fixture.endpoints, TimePoint{});
  };
  const auto pool = compile(nullptr);
  ASSERT_EQ(pool->all.size(), 1u);
  ASSERT_EQ(pool->levels.size(), 1u);
  EXPECT_EQ(pool->levels[0].eligible, std::vector<uint32_t>{0});
  EXPECT_EQ(pool->level, 0u);
  EXPECT_EQ(pool->all[0].endpoint->hop_to, "team");
  EXPECT_EQ(pool->all[0].endpoint->text, "shard/team");
  EXPECT_EQ(pool->all[0].endpoint->tls_name, "") << "what is on this node is spoken to plainly";
  const auto next = compile(pool.get());
  EXPECT_EQ(next->all[0].endpoint, pool->all[0].endpoint);
}

TEST(PoolTable, AnotherNameForTlsIsAnotherEndpoint) {
  PoolFixture fixture({.backends = {{"app.internal"}}});
  fixture.health({{"app.internal", {{"10.0.0.1", true}}}});
  EXPECT_EQ(fixture.pool->all[0].endpoint->tls_name, "");
  std::vector<PoolEndpointPtr> all{fixture.pool->all[0].endpoint};
  for (const char* name : {"", "a.example", "b.example"}) {
    fixture.change({.backends = {{"app.internal"}}, .tls = contract::PoolTls{.server_name = name}});
    const auto& endpoint = fixture.pool->all[0].endpoint;
    EXPECT_EQ(endpoint->tls_name, *name ? name : "app.internal");
    EXPECT_FALSE(fixture.pool->serves(*all.back()));
    EXPECT_NE(endpoint->slot, all.back()->slot);
    all.push_back(endpoint);
  }
  fixture.change({.backends = {{"app.internal"}},
                  .tls = contract::PoolTls{.server_name = "b.example", .ca = "another"}});
  EXPECT_EQ(fixture.pool->all[0].endpoint, all.back()) << "whom we believe is the context's affair";
}

TEST(PoolTable, AChangeSharesAllOtherPools) {
  PoolFixture fixture({.backends = {{"10.0.0.1"}}});
  PoolTable table;
  const PoolTable::Change changes[] = {{3, fixture.pool}, {700, fixture.pool}};
  table = table.with(changes);
  const PoolIdentity third{"", 3};
  const PoolIdentity far{"", 700};
  EXPECT_EQ(table.find(third), fixture.pool.get());
  EXPECT_EQ(table.find(far), fixture.pool.get());
  EXPECT_EQ(table.find(PoolIdentity{"", 4}), nullptr);
  EXPECT_EQ(table.find(PoolIdentity{"", 100}), nullptr);
  EXPECT_EQ(table.find(PoolIdentity{"", 100'000}), nullptr);
  const PoolTable::Change removal[] = {{3, nullptr}};
  const auto next = table.with(removal);
  EXPECT_EQ(next.find(third), nullptr);
  EXPECT_EQ(next.find(far), fixture.pool.get());
  EXPECT_EQ(table.find(third), fixture.pool.get());
}

}  // namespace
}  // namespace headgate::l7
