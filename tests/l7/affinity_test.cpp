// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/affinity.hpp"

#include <gtest/gtest.h>

#include "tests/l7/pool_fixture.hpp"

namespace headgate::l7 {
namespace {

std::optional<uint64_t> read(std::string_view cookies) {
  Headers headers;
  headers.add(HeaderId::kCookie, cookies);
  return read_affinity(headers, {.name = "stay"});
}

TEST(Affinity, WhatIsWrittenIsReadAgain) {
  Arena arena;
  const uint64_t affinity = 0x0123456789abcdef;
  EXPECT_EQ(write_affinity({.name = "stay"}, affinity, arena),
            "stay=0123456789abcdef; Path=/; HttpOnly; SameSite=Lax");
  EXPECT_EQ(read("other=1; stay=0123456789abcdef"), affinity);
  EXPECT_EQ(write_affinity({.name = "stay",
                            .path = "/app",
                            .ttl = contract::Millis(3'600'000),
                            .same_site = contract::SameSite::kNone,
                            .http_only = false,
                            .secure = true},
                           affinity, arena),
            "stay=0123456789abcdef; Path=/app; Max-Age=3600; Secure; SameSite=None");
}

TEST(Affinity, WhatIsNotOursCountsForNothing) {
  for (const std::string_view cookies :
       {"", "stay=", "stay=0123456789abcde", "stay=0123456789abcdef0", "stay=0123456789abcdeg",
        "stay=+123456789abcdef", "stay=0x23456789abcdef", "stay=-123456789abcdef", "Stay=0123456789abcdef"})
    EXPECT_EQ(read(cookies), std::nullopt) << cookies;
}

TEST(Affinity, ItsEndpointIsChosenWhileItIsUsable) {
  PoolSpec spec{.backends = {{"10.0.0.1"}, {"10.0.0.2"}, {"10.0.0.3"}}};
  PoolFixture fixture(spec);
  fixture.input.affinity = fixture.find("10.0.0.2")->affinity;
  for (int i = 0; i < 10; ++i) ASSERT_EQ(fixture.chosen(), "10.0.0.2:80");
  spec.backends[1].drain = true;
  fixture.change(spec);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(fixture.chosen(), "10.0.0.2:80") << "draining keeps who was there";
  TriedEndpoints tried;
  tried.add(*fixture.find("10.0.0.2"));
  EXPECT_NE(fixture.chosen(tried), "10.0.0.2:80");
  fixture.down("10.0.0.2");
  EXPECT_NE(fixture.chosen(), "10.0.0.2:80");
  fixture.up("10.0.0.2");
  EXPECT_EQ(fixture.chosen(), "10.0.0.2:80");
  spec.backends.erase(spec.backends.begin() + 1);
  fixture.change(spec);
  EXPECT_NE(fixture.chosen(), "no_usable_backend");
}

TEST(Affinity, ThePlansPoolWithTheEndpointIsFound) {
  PoolFixture first({.backends = {{"10.0.0.1"}}});
  PoolFixture second({.backends = {{"10.0.0.2"}}});
  second.identity = first.pools.keep({"Q", 0});
  second.change({.backends = {{"10.0.0.2"}}});
  PoolTable table;
  const PoolTable::Change changes[] = {{first.identity->slot, first.pool},
                                       {second.identity->slot, second.pool}};
  table = table.with(changes);
  RoutePlan plan;
  plan.forwards = {{nullptr, 1, {}}, {first.identity, 1, {}}, {second.identity, 1, {}}};
  EXPECT_EQ(find_affine_forward(plan, table, second.pool->by_affinity[0].first).pool, second.identity.get());
  EXPECT_EQ(find_affine_forward(plan, table, 42).outcome, Outcome::kNoForward);
}

}  // namespace
}  // namespace headgate::l7
