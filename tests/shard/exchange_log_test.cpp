// SPDX-License-Identifier: Apache-2.0
// Lines of the access log as the settings choose them: what clients and backends sent, what the file says.
#include <gmock/gmock.h>

#include "tests/shard/log_lines.hpp"
#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using contract::LogField;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kAnswered = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

class ExchangeLogTest : public ShardFixture {
 protected:
  // Of all that came until now; ends the shard.
  std::vector<std::string> lines() {
    await([this] { return count("exchanges_total") == count("requests_total"); });
    stop();
    return lines_of(log_path_);
  }

  // One request that a backend answers.
  void exchange(const std::string& request, const std::string& response = kAnswered) {
    auto client = connect();
    client.send(request);
    auto backend = backend_.accept();
    backend.read_head();
    backend.send(response);
    client.read_head();
  }
};

TEST_F(ExchangeLogTest, ALineHasWhatIsChosen) {
  settings_.access_log_fields = {LogField::kMethod, LogField::kStatus, LogField::kPool, LogField::kEnding,
                                 LogField::kDetail};
  start();
  exchange("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  {
    auto client = connect();
    client.send("GET / HTTP/1.1\r\nHost: nobody.example\r\n\r\n");
    client.read_head();
  }
  EXPECT_THAT(
      lines(),
      ElementsAre(R"({"method":"GET","status":200,"pool":"app","ending":"completed"})",
                  R"({"method":"GET","status":404,"pool":"","ending":"not_routed","detail":"no_rule"})"));
}

TEST_F(ExchangeLogTest, HeadersAreThoseThatTheClientSentAndGot) {
  settings_.access_log_fields = {LogField::kStatus};
  settings_.access_log_request_headers = {"user-agent", "x-a", "x-forwarded-for", "x-gone", "x-none"};
  settings_.access_log_response_headers = {"content-type", "server", "x-a"};
  contract::Filters filters;
  filters.request_headers = contract::HeaderEdit{{{"x-a", "rule"}, {"x-none", "rule"}}, {}, {"x-gone"}};
  filters.response_headers = contract::HeaderEdit{{{"x-a", "rule"}}, {}, {"server"}};
  rule_filters_ = contract::Boxed<contract::Filters>(filters);
  start();
  exchange(
      "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nUser-Agent: test/1\r\nX-Gone: g\r\nX-A: 2\r\n"
      "X-Forwarded-For: 203.0.113.9\r\n\r\n",
      "HTTP/1.1 200 OK\r\nServer: secret\r\nX-A: backend\r\nContent-Type: text/plain\r\n"
      "Content-Length: 2\r\n\r\nok");
  EXPECT_THAT(lines(), ElementsAre(R"({"status":200,"request_headers":{"user-agent":"test/1","x-a":"1, 2",)"
                                   R"("x-forwarded-for":"203.0.113.9","x-gone":"g"},)"
                                   R"("response_headers":{"content-type":"text/plain","x-a":"rule"}})"));
}

TEST_F(ExchangeLogTest, OverHttp2TheyAreTheSame) {
  settings_.access_log_fields = {LogField::kProtocol, LogField::kStatus};
  settings_.access_log_request_headers = {"x-a", "x-forwarded-for"};
  settings_.access_log_response_headers = {"x-a"};
  contract::Filters filters;
  filters.request_headers = contract::HeaderEdit{{{"x-a", "rule"}}, {}, {}};
  filters.response_headers = contract::HeaderEdit{{}, {{"x-a", "rule"}}, {}};
  rule_filters_ = contract::Boxed<contract::Filters>(filters);
  start();
  {
    testing_support::Http2Peer client(testing_support::Http2Peer::Role::kClient, connect(), {}, true);
    const auto id = client.request({{":method", "GET"},
                                    {":scheme", "http"},
                                    {":authority", "a"},
                                    {":path", "/"},
                                    {"x-a", "1"},
                                    {"x-forwarded-for", "203.0.113.9"},
                                    {"x-a", "2"}});
    auto backend = backend_.accept();
    backend.read_head();
    backend.send("HTTP/1.1 204 No Content\r\nX-A: backend\r\n\r\n");
    ASSERT_TRUE(client.await_end(id));
  }
  EXPECT_THAT(lines(), ElementsAre(R"({"protocol":"http/2","status":204,)"
                                   R"("request_headers":{"x-a":"1, 2","x-forwarded-for":"203.0.113.9"},)"
                                   R"("response_headers":{"x-a":"backend, rule"}})"));
}

TEST_F(ExchangeLogTest, WhatIsRefusedEarlyHasItsHeadersToo) {
  settings_.access_log_fields = {LogField::kStatus};
  settings_.access_log_request_headers = {"x-a"};
  settings_.access_log_response_headers = {"content-type"};
  settings_.header_count_max = 3;
  start();
  struct Case {
    const char* description;
    const char* request;
    const char* line;
  };
  const std::vector<Case> cases{
      {"a path that nobody reads alike", "GET /%00 HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\r\n",
       R"({"status":400,"request_headers":{"x-a":"1"},)"},
      {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nX-A: 1\r\n\r\n",
       R"({"status":501,"request_headers":{"x-a":"1"},)"},
      {"a head that is too large, of which some is read",
       "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-A: 2\r\nX-A: 3\r\n\r\n",
       R"({"status":431,"request_headers":{"x-a":"1, 2"},)"},
      {"a request line that is none", "GET /\r\nX-A: 1\r\n\r\n", R"({"status":400,)"}};
  std::vector<std::string> expected;
  for (const auto& [description, request, line] : cases) {
    auto client = connect();
    client.send(request);
    client.read_head();
    expected.push_back(line +
                       std::string(R"("response_headers":{"content-type":"text/plain; charset=utf-8"}})"));
  }
  EXPECT_EQ(lines(), expected);
}

TEST_F(ExchangeLogTest, ATryThatIsMadeAgainLeavesNoHeaders) {
  settings_.access_log_fields = {LogField::kTries};
  settings_.access_log_response_headers = {"x-a", "x-b"};
  retry_ = contract::Retry{
      .attempts = 1, .on = {}, .statuses = {{503, 503}}, .backoff_base = 1ms, .backoff_max = 1ms};
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 503 No\r\nX-A: 1\r\nContent-Length: 0\r\n\r\n");
  backend.read_head();
  backend.send(
      "HTTP/1.1 100 Continue\r\nX-A: 2\r\n\r\nHTTP/1.1 200 OK\r\nX-B: 3\r\nContent-Length: 0\r\n\r\n");
  client.read_head();
  client.close();
  EXPECT_THAT(lines(), ElementsAre(R"({"tries":2,"response_headers":{"x-b":"3"}})"));
}

TEST_F(ExchangeLogTest, AChangeOfTheChoiceIsThatOfWhatComesNext) {
  settings_.access_log_fields = {LogField::kPath};
  settings_.access_log_request_headers = {"x-a"};
  start();
  exchange("GET /first HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\nConnection: close\r\n\r\n");
  await([this] { return count("exchanges_total") == 1; });
  settings_.access_log_request_headers = {"x-b"};
  apply(whole(pool({backend_.port()})));
  auto client = connect();
  client.send("GET /second HTTP/1.1\r\nHost: nobody.example\r\nX-A: 1\r\nX-B: 2\r\n\r\n");
  client.read_head();
  client.close();
  EXPECT_THAT(lines(), ElementsAre(R"({"path":"/first","request_headers":{"x-a":"1"}})",
                                   R"({"path":"/second","request_headers":{"x-b":"2"}})"));
}

}  // namespace
}  // namespace headgate::shard
