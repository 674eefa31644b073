// SPDX-License-Identifier: Apache-2.0
// The derived hop, as clients, backends and strangers see it.
#include <gmock/gmock.h>

#include "tests/shard/hop_fixture.hpp"

namespace headgate::shard {
namespace {

class HopTest : public HopFixture {};

TEST_F(HopTest, TheBackendGetsWhatOneTierWouldHaveSent) {
  const std::string request =
      "GET /a/../b?q=1 HTTP/1.1\r\nHost: A:81\r\nX-Custom: v\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Foo: "
      "1\r\n\r\n";
  start_team(hop_);
  start();
  auto one = connect();
  one.send(request);
  auto backend = backend_.accept();
  const auto by_one_tier = backend.read_head();
  backend.send(kOk);
  EXPECT_TRUE(one.read_until("ok").ends_with("ok"));
  apply(first_tier());
  auto two = connect();
  two.send(request);
  auto other_backend = backend_.accept();
  const auto by_two_tiers = other_backend.read_head();
  other_backend.send(kOk);
  EXPECT_TRUE(two.read_until("ok").ends_with("ok"));
  EXPECT_EQ(without_line(by_two_tiers, "x-request-id"), without_line(by_one_tier, "x-request-id"));
  EXPECT_NE(by_two_tiers.find("x-forwarded-for: 127.0.0.1\r\n"), std::string::npos) << by_two_tiers;
  EXPECT_EQ(by_two_tiers.find("headgate-context"), std::string::npos);
}

TEST_F(HopTest, TheFirstTierWaitsForAllTriesOfTheSecond) {
  start_team(hop_);
  auto passing = passed_on();
  passing.rules[0].tries_beyond_hop = 1000;
  auto hop = to_team();
  hop.response_timeout = contract::Millis(60);
  start_with({settings_, web_listener(), passing, hop});
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  EXPECT_FALSE(client.readable_within(200)) << "three times what one may take";
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200"));
}

// The second tier may read a request whole before it begins a try.
TEST_F(HopTest, WhatARuleAllowsATryBeginsOnceTheRequestIsThere) {
  start_team(hop_);
  auto passing = passed_on();
  passing.rules[0].backend_request_timeout = contract::Millis(100);
  auto hop = to_team();
  hop.response_timeout = contract::Millis(60);
  start_with({settings_, web_listener(), passing, hop});
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
  EXPECT_FALSE(client.readable_within(300));
  client.send("cd");
  auto backend = backend_.accept();
  backend.read_head();
  EXPECT_EQ(backend.read_exactly(4), "abcd");
  EXPECT_EQ(client.read_until("response_timeout\n").substr(9, 3), "504") << "as if the second tier hung";
}

TEST_F(HopTest, ForwardedIsWrittenOnce) {
  forwarded_header_ = true;
  start_tiers();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a:81\r\nForwarded: for=6.6.6.6\r\n\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
  const std::string line = "\r\nforwarded: for=127.0.0.1;host=\"a:81\";proto=http\r\n";
  EXPECT_NE(head.find(line), std::string::npos) << head;
  EXPECT_EQ(head.find("forwarded: for="), head.rfind("forwarded: for="));
}

TEST_F(HopTest, WhatATrustedProxySaidCrossesAsWell) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start_tiers();
  auto client = connect();
  client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.9\r\nX-Forwarded-Proto: "
      "https\r\nX-Request-Id: mine\r\nX-Forwarded-Foo: 1\r\n\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
  for (const char* line : {"x-forwarded-for: 203.0.113.9, 127.0.0.1\r\n", "x-forwarded-proto: https\r\n",
                           "x-forwarded-port: 443\r\n", "x-request-id: mine\r\n", "x-forwarded-foo: 1\r\n"})
    EXPECT_NE(head.find(line), std::string::npos) << line << head;
}

TEST_F(HopTest, TlsEndsAtTheFirstTierAndTheSchemeCrosses) {
  protocol_ = contract::Protocol::kHttps;
  start_team(hop_);
  EXPECT_THAT(team_->notices(), testing::Each(testing::Field(&contract::Notice::text, "")))
      << "a copy needs no certificate";
  const auto issued = issue("app", "DNS:app.example");
  tls_.certificates = {"c0"};
  secrets_ = secrets_of({issued});
  start_with({settings_, tls_listener(), certificate_object("c0", issued), passed_on(), to_team()});
  auto client = peer();
  ASSERT_TRUE(client.handshake()) << client.why_not();
  EXPECT_THAT(exchange(client), testing::HasSubstr("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(request_head_, testing::HasSubstr("x-forwarded-proto: https\r\n"));
}

TEST_F(HopTest, AForgedContextReachesNobody) {
  start_tiers();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\n" + context("other") +
              "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n" + context() + "\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  EXPECT_NE(head.find("x-forwarded-for: 127.0.0.1\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("forged"), std::string::npos) << head;
  EXPECT_EQ(head.find("headgate-context"), std::string::npos) << head;
  EXPECT_EQ(backend.read_until("\r\n\r\n"), "2\r\nhi\r\n0\r\nx-t: 1\r\n\r\n");
  // Nor does a client get one.
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + context() + "\r\nok");
  EXPECT_EQ(client.read_until("ok").find("headgate-context"), std::string::npos);
}

TEST_F(HopTest, OneTierDropsAForgedContextToo) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n" + context() + "\r\n");
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_head().find("headgate-context"), std::string::npos);
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + context() + "\r\nok");
  EXPECT_EQ(client.read_until("ok").find("headgate-context"), std::string::npos);
}

TEST_F(HopTest, OnTheHopSocketTheContextDecides) {
  start_tiers();
  const auto answer_to = [&](const std::string& fields) {
    auto peer = connect_to_hop();
    peer.send("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "Connection: close\r\n\r\n");
    return peer.read_until("\r\n");
  };
  EXPECT_EQ(answer_to(""), "HTTP/1.1 400 Bad Request\r\n");
  EXPECT_EQ(answer_to("headgate-context: v1\r\n"), "HTTP/1.1 400 Bad Request\r\n");
  EXPECT_EQ(answer_to(context() + context()), "HTTP/1.1 400 Bad Request\r\n");
  EXPECT_EQ(answer_to(context("unknown")), "HTTP/1.1 421 Misdirected Request\r\n");
  EXPECT_FALSE(backend_.has_waiting());
  auto peer = connect_to_hop();
  peer.send("GET / HTTP/1.1\r\nHost: a\r\n" + context() + "\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  backend.send(kOk);
  EXPECT_TRUE(peer.read_until("ok").ends_with("ok"));
  for (const char* line :
       {"x-forwarded-for: 203.0.113.7\r\n", "x-forwarded-proto: https\r\n", "x-forwarded-port: 443\r\n"})
    EXPECT_NE(head.find(line), std::string::npos) << head;
}

TEST_F(HopTest, SomebodyElsesProcessIsClosedAndCounted) {
  auto others = hop_;
  others.shard_uid_base = ::geteuid() + 1;
  start_team(others);
  auto stranger = connect_to_hop();
  stranger.send("GET / HTTP/1.1\r\nHost: a\r\n" + context() + "\r\n");
  EXPECT_EQ(stranger.read_all(), "");
  EXPECT_FALSE(backend_.has_waiting());
  EXPECT_EQ(count_of_team("hop_peers_refused_total"), 1u);
  EXPECT_EQ(count_of_team("connections_accepted_total"), 0u);
}

TEST_F(HopTest, ARequestAheadOfItsRouteWaitsForIt) {
  start_tiers(false);
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await([this] { return count_of_team("hop_waits_total") == 1; });
  EXPECT_FALSE(backend_.has_waiting());
  apply_to_team(second_tier());
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HopTest, AClientMayGoWhileItsRequestWaits) {
  start_tiers(false);
  auto peer = connect_to_hop();
  peer.send("GET / HTTP/1.1\r\nHost: a\r\n" + context() + "\r\n");
  await([this] { return count_of_team("hop_waits_total") == 1; });
  peer.close();
  apply_to_team(second_tier());
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(kOk);
  await([this] { return count_of_team("exchanges_total") == 1; });
}

TEST_F(HopTest, LargeBodiesAndTrailersCrossBothWays) {
  start_tiers();
  const std::string piece(1u << 20, 'x');
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto backend = backend_.accept();
  std::thread sender([&] {
    for (int i = 0; i < 4; ++i) client.send("100000\r\n" + piece + "\r\n");
    client.send("0\r\nX-Sum: 1\r\n\r\n");
  });
  backend.read_head();
  const auto body = backend.read_until("0\r\nx-sum: 1\r\n\r\n");
  sender.join();
  EXPECT_EQ(std::count(body.begin(), body.end(), 'x'), (4 << 20) + 1);  // and that of "x-sum"
  std::thread answerer([&] {
    backend.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
    for (int i = 0; i < 4; ++i) backend.send("100000\r\n" + piece + "\r\n");
    backend.send("0\r\ny-sum: 2\r\n\r\n");
  });
  client.read_head();
  const auto answer = client.read_until("y-sum: 2\r\n\r\n");
  answerer.join();
  EXPECT_EQ(std::count(answer.begin(), answer.end(), 'x'), 4 << 20);
}

TEST_F(HopTest, BothLogsShowTheClientAndTheListener) {
  start_tiers();
  auto client = connect();
  client.send("GET /logged HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(kOk);
  client.read_until("ok");
  await([this] { return !lines_of(log_path_).empty() && !lines_of(directory_ / "team.log").empty(); });
  const auto first = lines_of(log_path_).front(), second = lines_of(directory_ / "team.log").front();
  for (const auto& line : {first, second}) {
    EXPECT_EQ(member(line, "client"), "127.0.0.1") << line;
    EXPECT_EQ(member(line, "listener"), "web") << line;
    EXPECT_EQ(member(line, "path"), "/logged") << line;
  }
  EXPECT_EQ(member(first, "request_id"), member(second, "request_id"));
  EXPECT_EQ(member(first, "backend"), "shard/team");
  EXPECT_EQ(member(second, "backend"), "127.0.0.1:" + std::to_string(backend_.port()));
}

TEST_F(HopTest, HeadersAreLoggedAsEachTierGotThem) {
  settings_.access_log_fields = {contract::LogField::kStatus};
  settings_.access_log_request_headers = {"user-agent", "x-a"};
  settings_.access_log_response_headers = {"x-a"};
  start_tiers();
  auto of_first = passed_on();
  auto& filters = of_first.rules[0].filters.emplace();
  filters.request_headers = contract::HeaderEdit{{{"x-a", "first"}}, {}, {}};
  filters.response_headers = contract::HeaderEdit{{}, {}, {"x-a"}};
  apply(delta({settings_, web_listener(), of_first, to_team()}));
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: test/1\r\nX-A: client\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 204 No Content\r\nX-A: backend\r\n\r\n");
  client.read_head();
  await([this] { return !lines_of(log_path_).empty() && !lines_of(directory_ / "team.log").empty(); });
  EXPECT_EQ(lines_of(log_path_).front(),
            R"({"status":204,"request_headers":{"user-agent":"test/1","x-a":"client"}})");
  EXPECT_EQ(lines_of(directory_ / "team.log").front(),
            R"({"status":204,"request_headers":{"user-agent":"test/1","x-a":"first"},)"
            R"("response_headers":{"x-a":"backend"}})");
}

constexpr const char* kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST_F(HopTest, BothTiersAreOfOneTrace) {
  settings_.tracing = contract::Boxed(contract::Tracing{"http://127.0.0.1:9/v1/traces", 0, ""});
  start_tiers();
  auto client = connect();
  client.send(std::string("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: ") + kTraceparent + "\r\n\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  backend.send(kOk);
  client.read_until("ok");
  await([this] { return !lines_of(log_path_).empty() && !lines_of(directory_ / "team.log").empty(); });
  const auto first = lines_of(log_path_).front(), second = lines_of(directory_ / "team.log").front();
  EXPECT_EQ(member(first, "trace_id"), member(second, "trace_id"));
  EXPECT_NE(member(first, "span_id"), member(second, "span_id"));
  EXPECT_THAT(head, testing::HasSubstr("traceparent: 00-" + member(second, "trace_id") + "-" +
                                       member(second, "span_id") + "-00\r\n"))
      << "and it is not the stranger's, who had it sampled";
}

TEST_F(HopTest, AFirstTierThatDoesNotTraceVouchesForNobodysTrace) {
  start(pool({}));
  apply(first_tier());
  settings_.tracing = contract::Boxed(contract::Tracing{"http://127.0.0.1:9/v1/traces", 0, ""});
  start_team(hop_);
  auto client = connect();
  client.send(std::string("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: ") + kTraceparent + "\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_head(), testing::Not(testing::HasSubstr("0af7651916cd43dd8448eb211c80319c")));
  backend.send(kOk);
  client.read_until("ok");
}

TEST_F(HopTest, ATrustedProxysTraceCrossesAFirstTierThatDoesNotTrace) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start(pool({}));
  apply(first_tier());
  settings_.tracing = contract::Boxed(contract::Tracing{"http://127.0.0.1:9/v1/traces", 0, ""});
  start_team(hop_);
  auto client = connect();
  client.send(std::string("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: ") + kTraceparent + "\r\n\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  EXPECT_THAT(head, testing::HasSubstr("traceparent: 00-0af7651916cd43dd8448eb211c80319c-"));
  EXPECT_THAT(head, testing::Not(testing::HasSubstr(kTraceparent)));
  backend.send(kOk);
  client.read_until("ok");
}

TEST_F(HopTest, ADeadSecondTierRefusesNobody) {
  start(pool({}));
  apply(first_tier());
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await([this] { return count("upstream_connects_total") == 1; });
  start_team(hop_);
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

// Both ends of a connection that is ended while a request crosses it: a POST, which nobody else may repeat.
TEST_F(HopTest, AnIdleConnectionEndsByAWordThatNothingWasRead) {
  settings_.idle_timeout = contract::Millis(50);
  start_tiers();
  auto peer = connect_to_hop();
  peer.send("GET / HTTP/1.1\r\nHost: a\r\n" + context() + "\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(kOk);
  EXPECT_TRUE(peer.read_until("ok").ends_with("ok"));
  EXPECT_THAT(peer.read_head(), testing::HasSubstr("\r\nheadgate-context: unread\r\n"));
  EXPECT_TRUE(peer.send("POST / HTTP/1.1\r\nHost: a\r\n" + context() + "Content-Length: 2\r\n\r\nhi"));
  EXPECT_EQ(peer.read_all(), "");
  EXPECT_EQ(count_of_team("requests_total"), 1u);
}

TEST_F(HopTest, WhatNobodyHasReadIsSentAgainWhateverItsMethod) {
  start(pool({}));
  apply(first_tier());
  const auto accept_on_hop = [&] {
    return SocketPeer(UniqueFd(::accept4(hop_socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  };
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto old = accept_on_hop();
  old.read_head();
  old.send(kOk);
  EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_TRUE(old.read_until("hi").ends_with("hi"));
  old.send(
      "HTTP/1.1 503 Service Unavailable\r\nheadgate-context: unread\r\ncontent-length: 0\r\n"
      "connection: close\r\n\r\n");
  auto fresh = accept_on_hop();
  EXPECT_THAT(fresh.read_until("hi"), testing::StartsWith("POST / HTTP/1.1\r\n"));
  fresh.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(count("upstream_stale_total"), 1u);
}

// Any other backend's word of that name is none.
TEST_F(HopTest, ABackendCannotHaveARequestSentAgain) {
  start_tiers();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
  auto backend = backend_.accept();
  backend.read_until("hi");
  backend.send("HTTP/1.1 503 Service Unavailable\r\nheadgate-context: unread\r\ncontent-length: 2\r\n\r\nno");
  EXPECT_TRUE(client.read_until("no").starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_EQ(count("upstream_stale_total"), 0u);
}

TEST_F(HopTest, WithoutTheSocketTheFirstTierSaysSo) {
  start(pool({}));
  apply(first_tier());
  std::filesystem::remove(hop_.path_to("team"));
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n"), "HTTP/1.1 503 Service Unavailable\r\n");
}

TEST_F(HopTest, AHeadAtTheLimitPassesBothTiers) {
  settings_.header_count_max = 2;
  start_tiers();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_NE(backend.read_head().find("x-one: 1\r\n"), std::string::npos);
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").ends_with("ok"));
}

}  // namespace
}  // namespace headgate::shard
