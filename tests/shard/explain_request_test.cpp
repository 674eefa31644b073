// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/explain_request.hpp"

#include <gtest/gtest.h>

#include "dataplane/contract/codec.hpp"

namespace headgate::shard {
namespace {

using namespace std::chrono_literals;
using contract::Object;

constexpr TimePoint kNow{std::chrono::hours(1)};
constexpr const char* kHead = "GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n";
const Endpoint kReached{*IpAddress::parse("192.0.2.100"), 80};

contract::RouteRule rule(std::string name, contract::RouteMatch match,
                         std::vector<contract::Forward> forward) {
  contract::RouteRule made;
  made.name = std::move(name);
  made.matches = {std::move(match)};
  made.forward = std::move(forward);
  return made;
}

class ExplainRequestTest : public testing::Test {
 protected:
  void SetUp() override {
    contract::Listener listener;
    listener.uid = "l1";
    listener.name = "web";
    listener.address = kReached.address;
    listener.port = kReached.port;
    contract::Route route;
    route.uid = "r1";
    route.namespace_name = "default";
    route.name = "app";
    route.listeners = {"l1"};
    route.hostnames = {"*.example.com"};
    contract::RouteMatch put;
    put.method = "PUT";
    contract::RouteMatch versioned;
    versioned.headers = {{.name = "x-version", .value = "2"}};
    contract::RouteMatch other;
    other.path = {contract::PathMatchType::kRegex, "/v[0-9]+/.*"};
    contract::RouteMatch exact;
    exact.path = {contract::PathMatchType::kExact, "/gone"};
    route.rules = {rule("write", put, {{"p1", 1}}), rule("next", versioned, {{"p1", 1}}),
                   rule("missing", exact, {{"", 1}}), rule("numbered", other, {{"p1", 1}}),
                   rule("rest", {}, {{"p1", 3}, {"p2", 0}})};
    delta_ = {.base = 0, .revision = 7, .upserts = {}, .removals = {}};
    route.rules.back().filters.emplace().mirror = {{.pool = "p2", .percent = 10}, {.pool = "", .percent = 1}};
    route.rules.back().forward[0].filters.emplace().mirror = {{.pool = "p1", .percent = 5}};
    add("l1", listener);
    add("r1", route);
    add("p1", pool("p1", "app", {8080, 8081}));
    add("p2", pool("p2", "spare", {9090}));
    tables_ = builder_.apply(delta_);
  }

  static contract::Pool pool(std::string uid, std::string name, std::vector<uint16_t> ports) {
    contract::Pool made;
    made.uid = std::move(uid);
    made.namespace_name = "default";
    made.name = std::move(name);
    for (const auto port : ports)
      made.backends.push_back({.host = "10.0.0.1", .port = port, .weight = 1, .drain = port == 8081});
    return made;
  }
  void add(const std::string& id, Object object) {
    const auto kind = contract::kind_of(object);
    delta_.upserts.push_back({{"shard/edge", kind, id}, std::make_shared<const Object>(std::move(object))});
  }
  contract::RequestAnswer ask(const std::string& head, const Endpoint& reached = kReached) {
    return explain_request(builder_, {reached, head}, kNow);
  }

  l7::TableBuilder builder_{2};
  contract::Delta delta_;
  std::unique_ptr<const l7::Tables> tables_;
};

std::vector<std::string> lines(const contract::RequestAnswer& answer) {
  std::vector<std::string> all;
  for (const auto& match : answer.matches)
    all.push_back(match.rule + " " + match.hostname + " " + match.path + " " +
                  (match.wins ? "wins" : match.lost_by) + (match.lost_by_name.empty() ? "" : " ") +
                  match.lost_by_name);
  return all;
}

TEST_F(ExplainRequestTest, SaysWhichRuleWinsAndWhatTheOthersLostBy) {
  const auto answer = ask("GET /a/../b?q=1 HTTP/1.1\r\nHost: App.Example.com\r\n\r\n");
  EXPECT_EQ(answer.outcome, "found");
  EXPECT_EQ(answer.status, 0u);
  EXPECT_EQ(answer.revision, 7u);
  EXPECT_EQ(answer.listener, "web");
  EXPECT_EQ(answer.path, "/b");
  EXPECT_EQ(lines(answer),
            (std::vector<std::string>{"write *.example.com / method", "next *.example.com / header x-version",
                                      "rest *.example.com / wins", "missing *.example.com /gone path",
                                      "numbered *.example.com /v[0-9]+/.* path"}));
  ASSERT_EQ(answer.forwards.size(), 2u);
  EXPECT_EQ(answer.forwards[0].pool, "app");
  EXPECT_EQ(answer.forwards[0].weight, 3u);
  ASSERT_EQ(answer.forwards[0].endpoints.size(), 2u);
  EXPECT_FALSE(answer.forwards[0].endpoints[0].drain);
  EXPECT_TRUE(answer.forwards[0].endpoints[1].drain);
  EXPECT_EQ(answer.forwards[1].pool, "spare");
}

TEST_F(ExplainRequestTest, SaysWhereCopiesGo) {
  const auto answer = ask(kHead);
  EXPECT_EQ(answer.mirrors, (std::vector<contract::MirrorAnswer>{{"default", "spare", 10}}));
  EXPECT_EQ(answer.forwards[0].mirrors, (std::vector<contract::MirrorAnswer>{{"default", "app", 5}}));
  EXPECT_TRUE(answer.forwards[1].mirrors.empty());
}

TEST_F(ExplainRequestTest, ARuleThatAlsoHoldsIsOutranked) {
  const auto answer =
      ask("PUT / HTTP/1.1\r\nHost: a.example.com\r\nX-Version: 2\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(lines(answer),
            (std::vector<std::string>{"write *.example.com / wins", "next *.example.com / outranked",
                                      "rest *.example.com / outranked", "missing *.example.com /gone path",
                                      "numbered *.example.com /v[0-9]+/.* path"}));
}

TEST_F(ExplainRequestTest, SaysWhatTheShardWouldAnswerByItself) {
  const struct {
    std::string head;
    std::string outcome;
    uint32_t status;
  } cases[] = {
      {"GET / HTTP/1.1\r\nHost: other.org\r\n\r\n", "no_rule", 404},
      {"GET /%zz HTTP/1.1\r\nHost: a.example.com\r\n\r\n", "bad_path", 400},
      {"GET /gone HTTP/1.1\r\nHost: a.example.com\r\n\r\n", "unresolved_forward", 500},
      {"GET / HTTP/1.1\r\n\r\n", "no_host", 400},
  };
  for (const auto& c : cases) {
    const auto answer = ask(c.head);
    EXPECT_EQ(answer.outcome, c.outcome) << c.head;
    EXPECT_EQ(answer.status, c.status) << c.head;
  }
  EXPECT_EQ(ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n", {kReached.address, 81}).outcome, "listener_gone");
}

TEST_F(ExplainRequestTest, KnowsWhichBackendsAreDown) {
  contract::HealthDelta down;
  down.upserts.push_back(
      {{"p1", "10.0.0.1:8080"}, {{{*IpAddress::parse("10.0.0.1"), 8080}, false, "refused"}}});
  tables_ = builder_.apply(down);
  const auto answer = ask(kHead);
  EXPECT_EQ(answer.outcome, "no_usable_backend");
  EXPECT_EQ(answer.status, 503u);
  EXPECT_FALSE(answer.forwards[0].endpoints[0].usable);
}

TEST_F(ExplainRequestTest, KnowsWhichBackendsAreEjectedAndByHowManyThreads) {
  auto failing = pool("p1", "app", {8080, 8081});
  auto& outlier = failing.outlier.emplace();
  outlier.consecutive_connect_failures = 1;
  outlier.base_ejection_time = 30s;
  add("p1", failing);
  tables_ = builder_.apply(delta_);
  const auto endpoints = [&](TimePoint now) {
    return explain_request(builder_, {kReached, kHead}, now).forwards.at(0).endpoints;
  };
  EXPECT_EQ(endpoints(kNow)[0].ejecting_threads, 0u);

  l7::RequestHead request;
  request.host = "a.example.com";
  request.path = "/";
  const auto& plan = *l7::Router::match(*tables_->router.listener(kReached, "a.example.com"), request).plan;
  const auto& endpoint = *tables_->pools.find(*plan.forwards.at(0).pool)->all.at(0).endpoint;
  const auto fail = [&](std::size_t thread, TimePoint now) {
    return builder_.thread_state(thread).report(*tables_, endpoint, l7::TryResult::kConnectFailure, now);
  };
  ASSERT_EQ(fail(0, kNow), l7::Ejection::kEjected);
  EXPECT_EQ(endpoints(kNow + 1s)[0].ejecting_threads, 1u);
  EXPECT_EQ(endpoints(kNow + 1s)[0].ejected_for, 29s);
  EXPECT_EQ(endpoints(kNow + 1s)[1].ejecting_threads, 0u);
  ASSERT_EQ(fail(1, kNow + 10s), l7::Ejection::kEjected);
  EXPECT_EQ(endpoints(kNow + 11s)[0].ejecting_threads, 2u);
  EXPECT_EQ(endpoints(kNow + 11s)[0].ejected_for, 29s) << "by the thread that does it longest";
  EXPECT_EQ(endpoints(kNow + 31s)[0].ejecting_threads, 1u);
  EXPECT_EQ(endpoints(kNow + 41s)[0].ejecting_threads, 0u);
}

TEST_F(ExplainRequestTest, CrossesTheChannelWhole) {
  const auto answer = ask(kHead);
  const auto decoded = contract::decode_request_answer(contract::encode(answer));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(*decoded, answer);
}

TEST_F(ExplainRequestTest, AHopIsNamedWithoutAddresses) {
  contract::Pool hop;
  hop.uid = "p1";
  hop.name = "hop/team";
  hop.hop_to = "team";
  add("p1", hop);
  tables_ = builder_.apply(delta_);
  const auto answer = ask("PUT / HTTP/1.1\r\nHost: a.example.com\r\n\r\n");
  EXPECT_EQ(answer.outcome, "found");
  ASSERT_EQ(answer.forwards.size(), 1u);
  EXPECT_EQ(answer.forwards[0].pool, "hop/team");
  EXPECT_EQ(answer.forwards[0].hop_to, "team");
  EXPECT_TRUE(answer.forwards[0].endpoints.empty());
}

TEST_F(ExplainRequestTest, BehindTheHopTheListenerIsKnownByItsUid) {
  contract::Listener passed_on;
  passed_on.uid = "l9";
  passed_on.name = "central";
  passed_on.hop_from = "ingress";
  add("l9", passed_on);
  contract::Route route;
  route.uid = "r9";
  route.namespace_name = "team";
  route.name = "app";
  route.listeners = {"l9"};
  route.rules = {rule("all", {}, {{"p1", 1}})};
  add("r9", route);
  tables_ = builder_.apply(delta_);
  contract::RequestQuestion question{{}, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "l9"};
  auto answer = explain_request(builder_, question, kNow);
  EXPECT_EQ(answer.outcome, "found");
  EXPECT_EQ(answer.listener, "central");
  ASSERT_FALSE(answer.matches.empty());
  EXPECT_EQ(answer.matches[0].namespace_name, "team");
  question.hop_listener = "l1";  // no copy of another shard's
  EXPECT_EQ(explain_request(builder_, question, kNow).outcome, "no_hop_listener");
}

TEST_F(ExplainRequestTest, SaysWhichPoliciesStandAboveTheRule) {
  contract::Policy central{
      .uid = "y1", .name = "central", .mode = contract::PolicyMode::kDefault, .filters = {}};
  auto& filters = central.filters.emplace();
  filters.rate_limit.emplace();
  filters.ip_access.emplace();
  contract::Policy team{
      .uid = "y2", .name = "default/team", .mode = contract::PolicyMode::kMandatory, .filters = {}};
  team.filters.emplace().rate_limit.emplace();
  add("y1", central);
  add("y2", team);
  auto listener = std::get<contract::Listener>(*delta_.upserts[0].object);
  auto route = std::get<contract::Route>(*delta_.upserts[1].object);
  listener.policies = {"y1"};
  route.policies = {"y2"};
  add("l1", listener);
  add("r1", route);
  tables_ = builder_.apply(delta_);
  const auto answer = ask(kHead);
  using enum contract::PolicyBlock;
  const std::vector<contract::PolicyAnswer> expected{
      {"central", contract::PolicyMode::kDefault, {kIpAccess}, {kRateLimit}},
      {"default/team", contract::PolicyMode::kMandatory, {kRateLimit}, {}}};
  EXPECT_EQ(answer.policies, expected);
  EXPECT_EQ(contract::decode_request_answer(contract::encode(answer))->policies, expected);
}

TEST_F(ExplainRequestTest, WhereTlsPassesTheHostIsTheServerName) {
  contract::Listener listener;
  listener.uid = "pass";
  listener.name = "pass";
  listener.protocol = contract::Protocol::kTls;
  listener.address = kReached.address;
  listener.port = 443;
  contract::Route route;
  route.uid = "r2";
  route.namespace_name = "default";
  route.name = "raw";
  route.listeners = {"pass"};
  route.hostnames = {"raw.example.com"};
  route.rules = {rule("", {}, {{"p1", 1}})};
  add("pass", listener);
  add("r2", route);
  tables_ = builder_.apply(delta_);
  const Endpoint reached{kReached.address, 443};
  const auto answer = ask("GET /what/ever HTTP/1.1\r\nHost: raw.example.com\r\n\r\n", reached);
  EXPECT_EQ(answer.outcome, "found");
  EXPECT_EQ(answer.listener, "pass");
  EXPECT_EQ(answer.path, "");
  ASSERT_EQ(answer.forwards.size(), 1u);
  EXPECT_EQ(answer.forwards[0].pool, "app");
  const auto other = ask("GET / HTTP/1.1\r\nHost: other.example.com\r\n\r\n", reached);
  EXPECT_EQ(other.outcome, "no_rule");
  EXPECT_EQ(other.status, 0u) << "what the client gets is an alert";
}

}  // namespace
}  // namespace headgate::shard
