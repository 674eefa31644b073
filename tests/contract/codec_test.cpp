// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/codec.hpp"

#include <gtest/gtest.h>

namespace headgate::contract {
namespace {

TEST(Codec, EveryMessageSurvivesARoundTrip) {
  const std::vector<Message> messages{
      Hello{.process = "shard/edge/0", .build = "0.1", .pid = 42, .revision = 7},
      Acknowledgement{.revision = 7, .applied = false, .reason = "no memory"},
      Notice{.code = "hugepages_missing", .text = "using 4 KiB pages", .fault = false},
      CommandResult{.id = "c1", .ok = true, .body = "{}"},
      Stats{{Sample{.name = "rx_packets_total", .labels = {{"worker", "0"}}, .value = UINT64_MAX}}},
      HealthDelta{.full = true,
                  .upserts = {{{"pool", "a:80"}, {{*Endpoint::parse("[::1]:80"), false, "refused"}}}},
                  .removals = {{"pool", "b:80"}}},
      SocketSet{{Socket{*Endpoint::parse("192.0.2.1:80"), *Endpoint::parse("198.19.255.1:1024"), 3, false},
                 Socket{{}, {}, 0, true}}},
      SocketsWanted{},
      Secrets{{Secret{.digest = std::string(64, 'a'), .bytes = "-----BEGIN PRIVATE KEY-----\n"}}},
      Command{.id = "c1", .verb = "explain", .body = "{}", .timeout = Millis(70'000)},
      Stop{.drain_timeout = Millis(5000)},
  };
  for (const auto& message : messages) {
    const auto text = encode(message);
    const auto decoded = decode_message(text);
    ASSERT_TRUE(decoded.ok()) << text << ": " << decoded.error().message;
    EXPECT_EQ(encode(*decoded), text);
    EXPECT_EQ(decoded->index(), message.index());
  }
}

TEST(Codec, ARouteKeepsItsMatchesAndFilters) {
  Route route;
  route.uid = "r";
  auto& rule = route.rules.emplace_back();
  rule.matches = {{.path = {PathMatchType::kRegex, "/v[0-9]+"},
                   .method = "GET",
                   .headers = {{"x-a", "1|2", ValueMatchType::kRegex}},
                   .query = {{"q", "a b", ValueMatchType::kExact}}}};
  auto& filters = rule.filters.emplace();
  filters.ip_access = IpAccess{{*Prefix::parse("10.0.0.0/8")}, {*Prefix::parse("2001:db8::/32")}};
  filters.rate_limit = RateLimit{5, Millis(60'000), 2, RateKey::kHeader, "x-key"};
  filters.cors = Cors{{"https://*.example"}, {"*"}, {"x-a"}, {"x-b"}, Millis(1'000), true};
  filters.redirect = Redirect{"https", "new.example", PathEdit{PathEditType::kPrefix, "/x"}, 8443, 308};
  filters.direct_response = DirectResponse{503, "later", {{"retry-after", "9"}}};
  filters.request_headers = HeaderEdit{{{"a", "1"}}, {{"b", "2"}}, {"c"}};
  rule.forward = {{.pool = "p", .weight = 1}, {.pool = "p", .weight = 2}};
  rule.forward[1].filters.emplace().rewrite = Rewrite{"inner.example", std::nullopt};
  const ObjectKey key{"shard/edge", Kind::kRoute, "r"};
  const Delta delta{
      .base = 0, .revision = 1, .upserts = {{key, std::make_shared<const Object>(route)}}, .removals = {}};
  const auto decoded = decode_message(encode(Configure{delta}));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(std::get<Route>(*std::get<Configure>(*decoded).delta.upserts[0].object), route);
}

TEST(Codec, WhatIsSaidOfTheUpstreamSideSurvivesARoundTrip) {
  Pool pool;
  pool.uid = "p";
  pool.algorithm = Algorithm::kMaglev;
  pool.backends.push_back({.host = "10.0.0.1", .port = 80, .weight = 3, .drain = true, .priority = 2});
  pool.hash = {.source = HashSource::kQuery, .name = "user"};
  pool.slow_start = Millis(1'000);
  pool.drain_timeout = Millis(60'000);
  pool.failover_percent = 70;
  pool.outlier = Outlier{.consecutive_5xx = 1, .ejected_percent_max = 33};
  pool.circuit_breaker = {.connections_max = 9, .requests_max = 8, .pending_timeout = Millis(77)};
  pool.retry_budget = {.percent = 5, .retries_min = 0};
  pool.connect_timeout = Millis(250);
  pool.health = HealthCheck{
      .type = HealthCheckType::kUdp, .host = {}, .request = {std::string("\0\xff\n", 3)}, .response = {"ok"}};
  pool.idle_timeout = Millis(9'000);
  Route route;
  route.uid = "r";
  auto& rule = route.rules.emplace_back();
  rule.idle_timeout = Millis(5'000);
  rule.retry = Retry{.attempts = 4, .on = {RetryOn::kReset, RetryOn::kTimeout}, .statuses = {{500, 599}}};
  rule.affinity = CookieAffinity{.name = "stay", .ttl = Millis(60'000), .same_site = SameSite::kStrict};
  Delta delta{.base = 1, .revision = 2, .upserts = {}, .removals = {}};
  for (const Object& object : {Object(pool), Object(route)})
    delta.upserts.push_back({{"shard/edge", kind_of(object), "x"}, std::make_shared<const Object>(object)});
  const auto decoded = decode_message(encode(Message(Configure{delta})));
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  const auto& upserts = std::get<Configure>(*decoded).delta.upserts;
  ASSERT_EQ(upserts.size(), 2u);
  EXPECT_EQ(*upserts[0].object, Object(pool));
  EXPECT_EQ(*upserts[1].object, Object(route));
}

TEST(Codec, WhatALogIsMadeOfSurvivesARoundTrip) {
  ShardSettings settings;
  settings.name = "edge";
  settings.access_log_fields = {LogField::kTime, LogField::kUntilResponseUs, LogField::kDetail};
  settings.access_log_request_headers = {"user-agent", "x-a"};
  settings.access_log_response_headers = {"content-type"};
  const ObjectKey key{"shard/edge", Kind::kShardSettings, "s"};
  const Delta delta{
      .base = 0, .revision = 1, .upserts = {{key, std::make_shared<const Object>(settings)}}, .removals = {}};
  const auto text = encode(Message(Configure{delta}));
  EXPECT_NE(text.find(R"("access_log_fields":["time","until_response_us","detail"])"), std::string::npos)
      << text;
  const auto decoded = decode_message(text);
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_EQ(*std::get<Configure>(*decoded).delta.upserts[0].object, Object(settings));
}

TEST(Codec, ACaptureSurvivesARoundTrip) {
  const CaptureQuestion question{.id = "c",
                                 .listener = "dns",
                                 .reached = *Endpoint::parse("[2001:db8::1]:53"),
                                 .protocol = Protocol::kUdp,
                                 .filter = "host 2001:db8::2",
                                 .count = 7,
                                 .duration = Millis(60'000),
                                 .snap_bytes = 128};
  const auto asked = decode_capture_question(encode(question));
  ASSERT_TRUE(asked.ok()) << asked.error().message;
  EXPECT_EQ(*asked, question);
  CaptureAnswer answer{.refusal = CaptureRefusal::kUnderWay,
                       .reason = "one at a time",
                       .ended_by = CaptureEnd::kStopped,
                       .packets = 3,
                       .lost = UINT64_MAX,
                       .pcapng = {std::string("\0\xff\n\r", 4)}};
  const auto answered = decode_capture_answer(encode(answer));
  ASSERT_TRUE(answered.ok()) << answered.error().message;
  EXPECT_EQ(*answered, answer);
  EXPECT_EQ(decode_capture_answer(R"({"pcapng": "AA="})").error().message, "/pcapng: expected base64");
}

TEST(Codec, ACommandWithoutATimeoutHasTheUsualOne) {
  const auto command = decode_message(R"({"type": "command", "id": "c1", "verb": "explain", "body": "{}"})");
  ASSERT_TRUE(command.ok()) << command.error().message;
  EXPECT_EQ(std::get<Command>(*command).timeout, Millis(limits::kCommandTimeout));
}

TEST(Codec, ErrorsSayWhere) {
  const auto refused = decode_message(R"({"type":"sockets","sockets":[{"thread":0},{"thread":-1}]})");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "/sockets/1/thread: expected an integer of 32 bits");
}

TEST(Codec, BytesThatAreNoBase64AreRefused) {
  const std::string ahead =
      R"({"type":"configure","delta":{"upserts":[{"audience":"l4","kind":"pool","id":"x","object":{"health":{)";
  for (const auto* request : {"\"AA=\"", "\"A A=\"", "7"}) {
    const auto refused = decode_message(ahead + "\"request\":" + request + "}}}]}}");
    ASSERT_FALSE(refused.ok()) << request;
    EXPECT_EQ(refused.error().message, "/delta/upserts/0/object/health/request: expected base64");
  }
}

TEST(Codec, HostileTextIsRefused) {
  for (
      const std::string& text :
      {std::string(), std::string("{"), std::string("[]"), std::string("null"),
       std::string(R"({"type":"hello","pid":"1"})"), std::string(R"({"type":"no_such"})"),
       std::string(R"({"type":3})"), std::string(100'000, '['),
       std::string(R"({"type":"configure","delta":{"upserts":[{"audience":"l4","kind":"pool","id":"x"}]}})"),
       std::string(
           R"({"type":"configure","delta":{"upserts":[{"audience":"l4","kind":"nothing","id":"x","object":{}}]}})")})
    EXPECT_FALSE(decode_message(text).ok()) << text.substr(0, 80);
}

TEST(Codec, ReaderTakesWhatAnotherReleaseWrote) {
  const auto hello = decode_message(R"({"type":"hello","process":"l4","unknown_later_field":{"a":1}})");
  ASSERT_TRUE(hello.ok());
  EXPECT_EQ(std::get<Hello>(*hello).process, "l4");
}

}  // namespace
}  // namespace headgate::contract
