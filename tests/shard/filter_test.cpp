// SPDX-License-Identifier: Apache-2.0
// Filters in the exchange, byte for byte: what the client sent, what the backend got, what came back.
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

using contract::PathEdit;
using contract::PathEditType;

class FilterTest : public ShardFixture {
 protected:
  // One rule with the prefix "/old" that has these filters; one share of it may have others.
  void start_with(contract::Filters filters, bool forwards = true, contract::Filters of_forward = {}) {
    start();
    auto filtered = route();
    auto& rule = filtered.rules[0];
    rule.matches[0].path = {contract::PathMatchType::kPrefix, "/old"};
    rule.filters = contract::Boxed<contract::Filters>(std::move(filters));
    if (!forwards) rule.forward.clear();
    if (of_forward != contract::Filters{})
      rule.forward[0].filters = contract::Boxed<contract::Filters>(std::move(of_forward));
    apply(delta({settings_, web_listener(), filtered, pool({backend_.port()})}));
  }

  // The answer to one request that reaches no backend, without its constants.
  std::string answer_to(const std::string& request) {
    auto client = connect();
    client.send(request);
    auto head = client.read_head();
    if (const auto at = head.find("content-length: "); at != std::string::npos)
      body_ = client.read_exactly(std::stoul(head.substr(at + 16)));
    EXPECT_FALSE(backend_.has_waiting());
    return without_date(without_line(head, "server"));
  }

  // What the backend gets of a request, without the fields that every request has.
  std::string forwarded(SocketPeer& client, SocketPeer& backend, const std::string& request) {
    client.send(request);
    if (!backend) backend = backend_.accept();
    auto head = backend.read_head();
    for (const char* name : {"x-request-id", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port"})
      head = without_line(head, name);
    return head;
  }

  // Whether the shard answers by itself; else the backend has the request.
  bool answered_here(SocketPeer& client, SocketPeer& backend) {
    const auto reached_backend = [&] {
      return backend ? backend.readable_within(0) : backend_.has_waiting();
    };
    await([&] { return client.readable_within(0) || reached_backend(); });
    if (!reached_backend()) return true;
    if (!backend) backend = backend_.accept();
    backend.read_head();
    return false;
  }

  std::string log() {
    stop();
    std::ifstream file(log_path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string body_;
};

std::string get(const std::string& target, const std::string& more = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: a:8080\r\n" + more + "\r\n";
}

// Where both sections are merged, as many a server does, what a filter says would count for nothing.
TEST_F(FilterTest, WhatIsSetOrRemovedDoesNotComeBackBehindTheBody) {
  contract::Filters filters;
  filters.request_headers =
      contract::HeaderEdit{.set = {{"x-user", "us"}}, .add = {}, .remove = {"x-secret"}};
  filters.response_headers = contract::HeaderEdit{.set = {}, .add = {}, .remove = {"x-inner"}};
  start_with(filters);
  auto client = connect();
  client.send(
      "POST /old HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\na\r\n0\r\nX-Secret: 1\r\nX-User: me\r\nX-Sum: 2\r\nX-Inner: 3\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_NE(backend.read_head().find("x-user: us\r\n"), std::string::npos);
  EXPECT_EQ(backend.read_until("\r\n\r\n"), "1\r\na\r\n0\r\nx-sum: 2\r\nx-inner: 3\r\n\r\n");
  backend.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "1\r\nb\r\n0\r\nX-Inner: 1\r\nX-Sum: 4\r\nX-Secret: 5\r\n\r\n");
  client.read_head();
  EXPECT_EQ(client.read_until("\r\n\r\n"), "1\r\nb\r\n0\r\nx-sum: 4\r\nx-secret: 5\r\n\r\n");
}

TEST_F(FilterTest, RequestHeadersAreEditedOnTheirWay) {
  contract::Filters filters;
  filters.request_headers = contract::HeaderEdit{{{"x-tier", "edge"}}, {{"x-many", "2"}}, {"x-secret"}};
  start_with(filters);
  auto client = connect();
  SocketPeer backend;
  EXPECT_EQ(
      forwarded(client, backend, get("/old", "X-Tier: forged\r\nX-Many: 1\r\nX-Secret: s\r\nX-Tier: 2\r\n")),
      "GET /old HTTP/1.1\r\nhost: a:8080\r\nx-many: 1\r\nx-forwarded-host: a:8080\r\nx-tier: edge\r\n"
      "x-many: 2\r\n\r\n");
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 204 "));
}

TEST_F(FilterTest, ResponseHeadersAreEditedOnTheirWayBack) {
  contract::Filters filters;
  filters.response_headers = contract::HeaderEdit{{{"x-a", "rule"}}, {{"x-via", "edge"}}, {"server"}};
  contract::Filters of_forward;
  of_forward.response_headers = contract::HeaderEdit{{{"x-a", "forward"}, {"x-b", "forward"}}, {}, {}};
  start_with(filters, true, of_forward);
  auto client = connect();
  SocketPeer backend;
  forwarded(client, backend, get("/old"));
  backend.send(
      "HTTP/1.1 200 OK\r\nServer: secret\r\nX-A: backend\r\nX-B: backend\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(without_date(client.read_head()),
            "HTTP/1.1 200 OK\r\nx-b: forward\r\nx-a: rule\r\nx-via: edge\r\ncontent-length: 2\r\n\r\n");
  EXPECT_EQ(client.read_exactly(2), "ok");
}

TEST_F(FilterTest, OurOwnErrorsAreEditedToo) {
  contract::Filters filters;
  filters.response_headers = contract::HeaderEdit{{{"x-a", "1"}}, {}, {}};
  filters.cors = contract::Cors{.origins = {"*"}, .methods = {}, .headers = {}, .expose = {}};
  start_with(filters);
  auto client = connect();
  SocketPeer backend;
  forwarded(client, backend, get("/old", "Origin: https://b.example\r\n"));
  backend.close();
  const auto head = client.read_head();
  EXPECT_TRUE(head.starts_with("HTTP/1.1 502 ")) << head;
  EXPECT_NE(head.find("x-a: 1\r\n"), std::string::npos);
  EXPECT_NE(head.find("access-control-allow-origin: *\r\n"), std::string::npos);
}

TEST_F(FilterTest, RewriteChangesHostAndPathAndLogsWhatWasAsked) {
  contract::Filters filters;
  filters.rewrite = contract::Rewrite{"inner.example", PathEdit{PathEditType::kPrefix, "/new/"}};
  start_with(filters);
  auto client = connect();
  SocketPeer backend;
  EXPECT_EQ(forwarded(client, backend, get("/old/%7ex/../y?q=%2F")),
            "GET /new/y?q=%2F HTTP/1.1\r\nhost: inner.example\r\nx-forwarded-host: a:8080\r\n\r\n");
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  client.read_head();
  client.close();
  const auto line = log();
  EXPECT_NE(line.find(R"("host":"a","path":"/old/y","query":"q=%2F")"), std::string::npos) << line;
}

TEST_F(FilterTest, AForwardsFiltersComeAfterTheRules) {
  contract::Filters filters;
  filters.rewrite = contract::Rewrite{"rule.example", std::nullopt};
  filters.request_headers = contract::HeaderEdit{{{"x-a", "rule"}}, {}, {}};
  contract::Filters of_forward;
  of_forward.rewrite = contract::Rewrite{"", PathEdit{PathEditType::kFull, "/forward"}};
  of_forward.request_headers = contract::HeaderEdit{{}, {{"x-a", "forward"}}, {}};
  start_with(filters, true, of_forward);
  auto client = connect();
  SocketPeer backend;
  EXPECT_EQ(forwarded(client, backend, get("/old/x")),
            "GET /forward HTTP/1.1\r\nhost: rule.example\r\nx-forwarded-host: a:8080\r\nx-a: rule\r\n"
            "x-a: forward\r\n\r\n");
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  client.read_head();
}

TEST_F(FilterTest, ARedirectNeedsNoForwardAndIsLogged) {
  contract::Filters filters;
  filters.redirect = contract::Redirect{"https", "", PathEdit{PathEditType::kPrefix, "/new"}, 0, 301};
  start_with(filters, false);
  EXPECT_EQ(answer_to(get("/old/x?q=1")),
            "HTTP/1.1 301 Moved Permanently\r\nlocation: https://a/new/x?q=1\r\ncontent-length: 0\r\n\r\n");
  EXPECT_EQ(answer_to("POST /old HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok"),
            "HTTP/1.1 301 Moved Permanently\r\nlocation: https://a/new\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(counts(2, "exchanges_total", "filtered"));
  const auto lines = log();
  EXPECT_NE(lines.find(R"("tries":0,"ending":"filtered","detail":"redirect"})"), std::string::npos) << lines;
}

TEST_F(FilterTest, EveryStatusOfARedirectHasItsName) {
  const std::pair<uint16_t, const char*> cases[] = {{301, "301 Moved Permanently"},
                                                    {302, "302 Found"},
                                                    {303, "303 See Other"},
                                                    {307, "307 Temporary Redirect"},
                                                    {308, "308 Permanent Redirect"}};
  start();
  for (const auto& [status, line] : cases) {
    contract::Filters filters;
    filters.redirect = contract::Redirect{"https", "", std::nullopt, 0, status};
    auto redirected = route();
    redirected.rules[0].filters = contract::Boxed<contract::Filters>(filters);
    redirected.rules[0].forward.clear();
    apply(delta({settings_, web_listener(), redirected, pool({backend_.port()})}));
    EXPECT_EQ(answer_to(get("/old")),
              "HTTP/1.1 " + std::string(line) + "\r\nlocation: https://a/old\r\ncontent-length: 0\r\n\r\n");
  }
}

// Each of two entries is chosen in turn.
TEST_F(FilterTest, WhatAnswersOrGuardsMayStandOnOneEntryOfAForward) {
  struct Case {
    const char* name;
    contract::Filters filters;
    const char* refused;
  };
  std::vector<Case> cases(4);
  cases[0] = {"redirect", {}, "HTTP/1.1 302 "};
  cases[0].filters.redirect = contract::Redirect{"", "other", std::nullopt, 0, 302};
  cases[1] = {"ip_access", {}, "HTTP/1.1 403 "};
  cases[1].filters.ip_access.emplace().allow = {*Prefix::parse("192.0.2.0/24")};
  cases[2] = {"rate_limit", {}, "HTTP/1.1 429 "};
  cases[2].filters.rate_limit.emplace().period = std::chrono::hours(1);
  cases[3] = {"direct_response", {}, "HTTP/1.1 204 "};
  cases[3].filters.direct_response = contract::DirectResponse{204, "", {}};
  start();
  for (const auto& [name, filters, refused] : cases) {
    auto shared = route();
    auto& forward = shared.rules[0].forward;
    forward.push_back(forward[0]);
    forward[0].filters = contract::Boxed<contract::Filters>(filters);
    apply(delta({settings_, web_listener(), shared, pool({backend_.port()})}));
    auto client = connect();
    SocketPeer backend;
    unsigned answered = 0;
    for (int i = 0; i < 10; ++i) {
      client.send(get("/"));
      if (answered_here(client, backend)) {
        EXPECT_THAT(client.read_head(), testing::StartsWith(refused)) << name;
        if (filters.ip_access || filters.rate_limit) client.read_until("\n");
        ++answered;
        continue;
      }
      backend.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200 OK\r\n")) << name;
    }
    EXPECT_EQ(answered, filters.rate_limit ? 4u : 5u) << name;  // the limit lets one pass
    backend.close();
  }
}

TEST_F(FilterTest, ADirectResponseIsAnsweredOverAKeptConnection) {
  contract::Filters filters;
  filters.direct_response = contract::DirectResponse{503, "later\n", {{"retry-after", "9"}}};
  start_with(filters, false);
  auto client = connect();
  for (int i = 0; i < 3; ++i) {
    client.send(get("/old"));
    EXPECT_EQ(without_date(without_line(client.read_head(), "server")),
              "HTTP/1.1 503 Service Unavailable\r\nretry-after: 9\r\ncontent-type: text/plain; "
              "charset=utf-8\r\ncontent-length: 6\r\n\r\n");
    EXPECT_EQ(client.read_exactly(6), "later\n");
  }
  client.send("HEAD /old HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(client.read_head().find("content-length: 6\r\n"), std::string::npos);
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 404 ")) << "a HEAD's answer has no body";
}

TEST_F(FilterTest, APreflightIsAnsweredHereAndTheRequestGetsItsPermission) {
  contract::Filters filters;
  filters.cors = contract::Cors{
      .origins = {"https://*.example"}, .methods = {"GET", "PUT"}, .headers = {"x-a"}, .expose = {}};
  start_with(filters);
  const std::string origin = "Origin: https://b.example\r\n";
  EXPECT_EQ(answer_to("OPTIONS /old HTTP/1.1\r\nHost: a\r\n" + origin +
                      "Access-Control-Request-Method: PUT\r\n\r\n"),
            "HTTP/1.1 204 No Content\r\naccess-control-allow-methods: GET, PUT\r\n"
            "access-control-allow-headers: x-a\r\naccess-control-max-age: 5\r\nvary: Origin\r\n"
            "access-control-allow-origin: https://b.example\r\n\r\n");
  auto client = connect();
  SocketPeer backend;
  EXPECT_EQ(
      forwarded(client, backend, get("/old", origin)),
      "GET /old HTTP/1.1\r\nhost: a:8080\r\norigin: https://b.example\r\nx-forwarded-host: a:8080\r\n\r\n");
  backend.send("HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n\r\n");
  EXPECT_EQ(
      without_date(client.read_head()),
      "HTTP/1.1 204 No Content\r\nvary: Origin\r\naccess-control-allow-origin: https://b.example\r\n\r\n");
}

TEST_F(FilterTest, AddressesAreThoseThatTheListenerBelieves) {
  contract::Filters filters;
  filters.ip_access = contract::IpAccess{{}, {*Prefix::parse("203.0.113.0/24")}};
  filters.direct_response = contract::DirectResponse{};
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start_with(filters, false);
  EXPECT_EQ(
      answer_to(get("/old", "X-Forwarded-For: 203.0.113.9\r\n")),
      "HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\n\r\n");
  EXPECT_EQ(body_, "Forbidden: ip_access\n");
  EXPECT_TRUE(answer_to(get("/old", "X-Forwarded-For: 192.0.2.9\r\n")).starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(FilterTest, AnUntrustedClientCantChooseItsAddress) {
  contract::Filters filters;
  filters.ip_access = contract::IpAccess{{*Prefix::parse("203.0.113.0/24")}, {}};
  filters.direct_response = contract::DirectResponse{};
  start_with(filters, false);
  EXPECT_TRUE(answer_to(get("/old", "X-Forwarded-For: 203.0.113.9\r\n")).starts_with("HTTP/1.1 403 "));
}

TEST_F(FilterTest, ARateLimitSaysWhenToComeAgainAndOutlivesChanges) {
  contract::Filters filters;
  filters.rate_limit = contract::RateLimit{2, std::chrono::minutes(60), 2, contract::RateKey::kClient, ""};
  filters.direct_response = contract::DirectResponse{204, "", {}};
  start_with(filters, false);
  EXPECT_TRUE(answer_to(get("/old")).starts_with("HTTP/1.1 204 "));
  auto changed = route();
  changed.hostnames.push_back("more.example");
  changed.rules[0].forward.clear();
  changed.rules[0].filters = contract::Boxed<contract::Filters>(filters);
  apply(delta({settings_, web_listener(), changed, pool({backend_.port()})}));
  EXPECT_TRUE(answer_to(get("/old")).starts_with("HTTP/1.1 204 "));
  const auto refused = answer_to(get("/old"));
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\nretry-after: 1")) << refused;
  EXPECT_EQ(body_, "Too Many Requests: rate_limit\n");
}

TEST_F(FilterTest, AChangeTakesNoFilterFromARequestUnderWay) {
  contract::Filters filters;
  filters.response_headers = contract::HeaderEdit{{{"x-a", "begun with"}}, {}, {}};
  start_with(filters);
  auto client = connect();
  SocketPeer backend;
  forwarded(client, backend, get("/old"));
  apply(whole(pool({backend_.port()})));
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_NE(client.read_head().find("x-a: begun with\r\n"), std::string::npos);
}

TEST_F(FilterTest, UnresolvedAndWeightlessForwardsAre500) {
  start();
  auto broken = route();
  auto& forward = broken.rules[0].forward;
  forward = {{.pool = "", .weight = 1}, {.pool = "p1", .weight = 1}};
  apply(delta({settings_, web_listener(), broken, pool({backend_.port()})}));
  auto client = connect();
  SocketPeer backend;
  unsigned refused = 0;
  for (int i = 0; i < 4; ++i) {
    client.send(get("/"));
    if (answered_here(client, backend)) {
      const auto answer = client.read_until("unresolved_forward\n");
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
      ++refused;
      continue;
    }
    backend.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    client.read_head();
  }
  EXPECT_EQ(refused, 2u) << "its share, and no more";
  forward = {{.pool = "p1", .weight = 0}};
  apply(delta({settings_, web_listener(), broken, pool({backend_.port()})}));
  client.send(get("/"));
  EXPECT_TRUE(client.read_until("no_forward\n").starts_with("HTTP/1.1 500 "));
}

TEST_F(FilterTest, PoliciesStandAboveTheRule) {
  start();
  contract::Policy central{
      .uid = "y1", .name = "central", .mode = contract::PolicyMode::kMandatory, .filters = {}};
  central.filters.emplace().request_headers = contract::HeaderEdit{{{"x-by", "central"}}, {}, {}};
  contract::Policy team{
      .uid = "y2", .name = "default/team", .mode = contract::PolicyMode::kDefault, .filters = {}};
  team.filters.emplace().rate_limit.emplace().period = 60'000ms;
  auto listener = web_listener();
  auto below = route();
  listener.policies = {"y1"};
  below.policies = {"y2"};
  below.rules[0].filters.emplace().request_headers = contract::HeaderEdit{{{"x-by", "rule"}}, {}, {}};
  apply(delta({settings_, listener, below, pool({backend_.port()}), central, team}));
  auto client = connect();
  SocketPeer backend;
  EXPECT_EQ(forwarded(client, backend, get("/")),
            "GET / HTTP/1.1\r\nhost: a:8080\r\nx-forwarded-host: a:8080\r\nx-by: central\r\n\r\n");
  backend.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  client.read_head();
  EXPECT_TRUE(answer_to(get("/")).starts_with("HTTP/1.1 429 "));
  EXPECT_NE(log().find("rate_limit of policy default/team"), std::string::npos);
}

}  // namespace
}  // namespace headgate::shard
