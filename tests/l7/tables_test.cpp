// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/tables.hpp"

#include <memory>

#include <gtest/gtest.h>

#include "dataplane/crossing/publisher.hpp"

namespace headgate::l7 {
namespace {

using contract::Kind;
using contract::Object;

const Endpoint kReached{*IpAddress::parse("192.0.2.100"), 80};

contract::Upsert upsert(Kind kind, const std::string& id, Object object) {
  return {{"shard/edge", kind, id}, std::make_shared<const Object>(std::move(object))};
}

contract::Listener listener() {
  return {.uid = "L1",
          .name = "web",
          .address = kReached.address,
          .port = kReached.port,
          .protocol = contract::Protocol::kHttp,
          .hostname = "",
          .trusted_proxies = {},
          .tls = std::nullopt};
}

contract::Route route(std::string pool) {
  contract::Route route;
  route.uid = "R1";
  route.namespace_name = "default";
  route.name = "app";
  route.listeners = {"L1"};
  route.hostnames = {"app.example.com"};
  route.rules = {{.name = "all",
                  .matches = {{}},
                  .forward = {{std::move(pool), 1}},
                  .request_timeout = std::nullopt,
                  .backend_request_timeout = std::nullopt}};
  return route;
}

contract::Pool pool(std::string uid, std::vector<std::string> hosts) {
  contract::Pool pool;
  pool.uid = std::move(uid);
  pool.namespace_name = "default";
  pool.name = "app";
  for (auto& host : hosts) pool.backends.push_back({.host = host, .port = 8080, .weight = 1, .drain = false});
  return pool;
}

contract::Delta first_delta() {
  return {.base = 0,
          .revision = 1,
          .upserts = {upsert(Kind::kListener, "L1", listener()), upsert(Kind::kRoute, "R1", route("P1")),
                      upsert(Kind::kPool, "P1", pool("P1", {"10.0.0.1", "10.0.0.2"}))},
          .removals = {}};
}

RequestHead request(std::string_view host, std::string_view path) {
  RequestHead head;
  head.method_text = "GET";
  head.host = host;
  head.path = path;
  return head;
}

const RoutePlan* plan_of(const Tables& tables) {
  const auto* found = tables.router.listener(kReached, "app.example.com");
  return found ? Router::match(*found, request("app.example.com", "/")).plan : nullptr;
}

TEST(Tables, LeadARequestToAnEndpoint) {
  TableBuilder builder(1);
  const auto tables = builder.apply(first_delta());
  const auto thread = builder.thread_state(0);
  const RoutePlan* plan = plan_of(*tables);
  ASSERT_NE(plan, nullptr);
  const auto forward = thread.choose(*plan);
  ASSERT_EQ(forward.outcome, Outcome::kFound);
  TriedEndpoints tried;
  const auto first = thread.choose(*tables, *forward.pool, tried);
  ASSERT_EQ(first.outcome, Outcome::kFound);
  tried.add(*first.endpoint);
  const auto second = thread.choose(*tables, *forward.pool, tried);
  ASSERT_EQ(second.outcome, Outcome::kFound);
  EXPECT_NE(first.endpoint->address, second.endpoint->address);
  tried.add(*second.endpoint);
  EXPECT_EQ(thread.choose(*tables, *forward.pool, tried).outcome, Outcome::kAllBackendsTried);
}

TEST(Tables, APinnedPlanOutlivesItsTableAndMeetsTheNewestBackends) {
  TableBuilder builder(1);
  crossing::Publisher<Tables> publisher(1, builder.apply(first_delta()));
  auto reader = publisher.reader(0);
  const auto thread = builder.thread_state(0);
  auto pin = thread.pin(*plan_of(reader.refresh()));

  publisher.publish(
      builder.apply(contract::Delta{.base = 1,
                                    .revision = 2,
                                    .upserts = {upsert(Kind::kPool, "P1", pool("P1", {"10.0.0.9"}))},
                                    .removals = {{"shard/edge", Kind::kRoute, "R1"}}}));
  const auto& newest = reader.refresh();
  publisher.reclaim();
  EXPECT_EQ(plan_of(newest), nullptr);
  EXPECT_EQ(builder.reclaim(), 1U + 0U);  // the plan; the addresses that left are free at once
  EXPECT_EQ(pin->name.route(), "app");
  const auto forward = thread.choose(*pin);
  ASSERT_EQ(forward.outcome, Outcome::kFound);
  const auto choice = thread.choose(newest, *forward.pool, {});
  ASSERT_EQ(choice.outcome, Outcome::kFound);
  EXPECT_EQ(choice.endpoint->address.address.to_string(), "10.0.0.9");
  pin.reset();
  EXPECT_EQ(builder.reclaim(), 0U);
}

TEST(Tables, AnEndpointKeepsItsIdentityThroughChangesAroundIt) {
  TableBuilder builder(1);
  const auto before = builder.apply(first_delta());
  const auto thread = builder.thread_state(0);
  const auto forward = thread.choose(*plan_of(*before));
  const auto chosen = thread.choose(*before, *forward.pool, {});
  auto outstanding = thread.outstanding(*chosen.endpoint);
  EXPECT_EQ(thread.endpoints.cell(chosen.endpoint->slot).tally, 1U);

  const auto after = builder.apply(contract::Delta{
      .base = 1,
      .revision = 2,
      .upserts = {upsert(Kind::kPool, "P1", pool("P1", {"10.0.0.1", "10.0.0.2", "10.0.0.3"}))},
      .removals = {}});
  EXPECT_TRUE(after->pools.serves(*chosen.endpoint));
  TriedEndpoints tried;
  tried.add(*chosen.endpoint);
  for (int i = 0; i < 10; ++i)
    EXPECT_NE(thread.choose(*after, *forward.pool, tried).endpoint->address, chosen.endpoint->address);
  outstanding.reset();
  EXPECT_EQ(thread.endpoints.cell(chosen.endpoint->slot).tally, 0U);
}

TEST(Tables, NewsOfHealthChangeNoRevision) {
  TableBuilder builder(1);
  auto tables = builder.apply(first_delta());
  const auto thread = builder.thread_state(0);
  const auto* identity = thread.choose(*plan_of(*tables)).pool;
  const Endpoint down{*IpAddress::parse("10.0.0.1"), 8080};
  tables = builder.apply(
      contract::HealthDelta{.full = true,
                            .upserts = {{{"P1", "10.0.0.1:8080"}, {{down, false, "connection refused"}}}},
                            .removals = {}});
  EXPECT_EQ(tables->revision, 1U);
  for (int i = 0; i < 4; ++i) EXPECT_NE(thread.choose(*tables, *identity, {}).endpoint->address, down);
  tables = builder.apply(contract::HealthDelta{.full = true, .upserts = {}, .removals = {}});
  bool seen = false;
  for (int i = 0; i < 2; ++i) seen = seen || thread.choose(*tables, *identity, {}).endpoint->address == down;
  EXPECT_TRUE(seen);
}

TEST(Tables, AFullDeltaForgetsWhatWasThere) {
  TableBuilder builder(1);
  auto tables = builder.apply(first_delta());
  const auto* plan = plan_of(*tables);
  tables = builder.apply(first_delta());
  EXPECT_EQ(plan_of(*tables), plan) << "a rule that comes again keeps its plan";
  tables = builder.apply(contract::Delta{.base = 0, .revision = 3, .upserts = {}, .removals = {}});
  EXPECT_EQ(tables->router.listener(kReached, "app.example.com"), nullptr);
  EXPECT_EQ(tables->router.routes(), 0U);
}

contract::Policy one_a_minute(contract::PolicyMode mode) {
  contract::Policy policy{.uid = "Y1", .name = "calm", .mode = mode, .filters = {}};
  policy.filters.emplace().rate_limit.emplace().period = std::chrono::minutes(1);
  return policy;
}

// The policy whose limit stands above the listener and the route, as the tables have it.
const policy::RateLimiter* limiter_of(const Tables& tables) {
  const auto* listener = tables.router.listener(kReached, "app.example.com");
  const auto& above = plan_of(tables)->above.policies;
  EXPECT_EQ(listener->policies->policies.at(0).standing, above.at(0).standing);
  return above.at(0).standing->policy.rate_limiter();
}

TEST(Tables, KeepNothingOfTheRouteThatTheyAreMadeFrom) {
  TableBuilder builder(1);
  auto delta = first_delta();
  auto app = route("P1");
  app.rules[0].filters.emplace().direct_response.emplace().body = "here";
  app.rules[0].retry.emplace().attempts = 3;
  const auto filters = app.rules[0].filters;
  const auto retry = app.rules[0].retry;
  delta.upserts[1] = upsert(Kind::kRoute, "R1", std::move(app));
  const std::weak_ptr<const Object> object = delta.upserts[1].object;
  const auto tables = builder.apply(delta);
  delta = {};
  EXPECT_TRUE(object.expired());
  const RoutePlan* plan = plan_of(*tables);
  ASSERT_NE(plan, nullptr);
  EXPECT_EQ(plan->policy.filters(), filters);
  EXPECT_FALSE(plan->policy.filters().shares_with(filters));
  EXPECT_FALSE(plan->policy.filters()->direct_response.shares_with(filters->direct_response));
  EXPECT_EQ(plan->extras().retry, retry);
  EXPECT_FALSE(plan->extras().retry.shares_with(retry));
}

TEST(Tables, OnePolicyStandsAboveAllThatNameIt) {
  TableBuilder builder(1);
  auto delta = first_delta();
  auto web = listener();
  auto app = route("P1");
  web.policies = app.policies = {"Y1"};
  delta.upserts[0] = upsert(Kind::kListener, "L1", web);
  delta.upserts[1] = upsert(Kind::kRoute, "R1", app);
  delta.upserts.push_back(upsert(Kind::kPolicy, "Y1", one_a_minute(contract::PolicyMode::kDefault)));
  const auto first = builder.apply(delta);
  const auto* limiter = limiter_of(*first);
  ASSERT_NE(limiter, nullptr);

  // Of the policy alone the delta speaks: who names it follows, and its counts stay with its filters.
  const auto second =
      builder.apply({.base = 1,
                     .revision = 2,
                     .upserts = {upsert(Kind::kPolicy, "Y1", one_a_minute(contract::PolicyMode::kMandatory))},
                     .removals = {}});
  EXPECT_TRUE(plan_of(*second)->above.policies.at(0).standing->mandatory);
  EXPECT_EQ(limiter_of(*second), limiter);
  delta.revision = 3;
  delta.upserts.back() = upsert(Kind::kPolicy, "Y1", one_a_minute(contract::PolicyMode::kMandatory));
  const auto anew = builder.apply(delta);
  EXPECT_EQ(limiter_of(*anew), limiter);
}

TEST(Tables, APolicyThatIsMissingLetsNobodyPass) {
  TableBuilder builder(1);
  auto delta = first_delta();
  auto app = route("P1");
  app.policies = {"Y1"};
  delta.upserts[1] = upsert(Kind::kRoute, "R1", app);
  const auto first = builder.apply(delta);
  EXPECT_TRUE(plan_of(*first)->above.policies.at(0).standing->policy.filters()->ip_access);
  const auto second =
      builder.apply({.base = 1,
                     .revision = 2,
                     .upserts = {upsert(Kind::kPolicy, "Y1", one_a_minute(contract::PolicyMode::kDefault))},
                     .removals = {}});
  EXPECT_FALSE(plan_of(*second)->above.policies.at(0).standing->policy.filters()->ip_access);
}

}  // namespace
}  // namespace headgate::l7
