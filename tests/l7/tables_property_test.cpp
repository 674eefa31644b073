// SPDX-License-Identifier: Apache-2.0
// Law: what may be chosen in each pool follows from the objects and the state of health alone, not from the
// deltas in which they came; and endpoints that stay keep their identity through all of it.
#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/l7/tables.hpp"
#include "tests/l7/router_fixture.hpp"

namespace headgate::l7 {
namespace {

constexpr unsigned kPools = 4;

struct TablesWorld {
  std::map<std::string, contract::Pool> pools;
  contract::HealthView health;
  std::mt19937 random;

  explicit TablesWorld(unsigned seed) : random(seed) {}
  unsigned below(unsigned bound) { return static_cast<unsigned>(random() % bound); }
  std::string pool_uid() { return "P" + std::to_string(below(kPools)); }
  std::string address() { return "10.0.0." + std::to_string(below(5)); }

  contract::Delta change_objects() {
    contract::Delta delta{.base = 1, .revision = 2, .upserts = {}, .removals = {}};
    contract::Pool pool;
    pool.uid = pool_uid();
    if (below(4) == 0) {
      pools.erase(pool.uid);
      delta.removals.push_back({"shard/edge", contract::Kind::kPool, pool.uid});
      return delta;
    }
    pool.when_all_down = below(2) == 0 ? contract::WhenAllDown::kRefuse : contract::WhenAllDown::kTryAll;
    for (unsigned i = below(4); i > 0; --i)
      pool.backends.push_back({.host = below(4) == 0 ? "app.internal" : address(),
                               .port = 80,
                               .weight = below(3),
                               .drain = below(4) == 0});
    pools.insert_or_assign(pool.uid, pool);
    delta.upserts.push_back(upsert_of(pool));
    return delta;
  }

  contract::HealthDelta change_health() {
    auto next = below(10) == 0 ? contract::HealthView{} : health;
    contract::MemberHealth member;
    member.key = {pool_uid(), contract::health_member(below(3) == 0 ? "app.internal" : address(), 80)};
    for (unsigned i = below(3); i > 0; --i)
      member.endpoints.push_back({{*IpAddress::parse(address()), 80}, below(2) == 0, ""});
    next.insert_or_assign(member.key, member);
    auto delta = contract::diff(health, next);
    health = std::move(next);
    return delta;
  }

  contract::Delta everything() const {
    contract::Delta delta{.base = 0, .revision = 2, .upserts = {}, .removals = {}};
    for (const auto& [uid, pool] : pools) delta.upserts.push_back(upsert_of(pool));
    // A rule that forwards to every pool, so that each has an identity to ask by.
    delta.upserts.push_back(upsert_of(make_listener("web", "", kReached)));
    auto route = make_route({.name = "all", .rules = {{prefix("/")}}});
    for (unsigned i = 0; i < kPools; ++i) route.rules[0].forward.push_back({"P" + std::to_string(i), 1});
    delta.upserts.push_back(upsert_of(route));
    return delta;
  }
};

const RoutePlan& only_plan(const Tables& tables) {
  RequestHead request;
  request.path = "/";
  return *Router::match(*tables.router.listener(kReached, ""), request).plan;
}

std::string eligible(const Tables& tables) {
  std::string text;
  for (const auto& forward : only_plan(tables).forwards) {
    const auto* pool = tables.pools.find(*forward.pool);
    text += forward.pool->uid + (pool ? ":" : " is gone");
    for (const auto& level : pool ? pool->levels : std::vector<PoolLevel>{})
      for (const uint32_t at : level.eligible)
        text += " " + pool->all[at].endpoint->text + "*" + std::to_string(pool->all[at].weight);
    text += "\n";
  }
  return text;
}

void expect_identities_kept(const Tables& before, const Tables& after) {
  for (const auto& forward : only_plan(before).forwards) {
    const auto* old_pool = before.pools.find(*forward.pool);
    const auto* new_pool = after.pools.find(*forward.pool);
    if (!old_pool || !new_pool) continue;
    for (const auto& was : old_pool->all)
      for (const auto& is : new_pool->all)
        ASSERT_EQ(was.endpoint->address == is.endpoint->address, was.endpoint == is.endpoint);
  }
}

TEST(TablesProperty, TheWayThatObjectsAndHealthCameDoesNotMatter) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    TablesWorld world(seed);
    TableBuilder stepwise(1);
    auto tables = stepwise.apply(world.everything());
    for (int step = 0; step < 100; ++step) {
      const auto before = std::move(tables);
      tables = world.below(2) == 0 ? stepwise.apply(world.change_objects())
                                   : stepwise.apply(world.change_health());
      TableBuilder rebuilt(1);
      auto other = rebuilt.apply(contract::diff({}, world.health));
      other = rebuilt.apply(world.everything());
      ASSERT_EQ(eligible(*tables), eligible(*other)) << seed << ":" << step;
      expect_identities_kept(*before, *tables);
    }
    tables.reset();
    const auto nothing =
        stepwise.apply(contract::Delta{.base = 0, .revision = 3, .upserts = {}, .removals = {}});
    EXPECT_EQ(stepwise.reclaim(), 0U);
  }
}

}  // namespace
}  // namespace headgate::l7
