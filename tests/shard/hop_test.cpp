// SPDX-License-Identifier: Apache-2.0
// The derived hop: two shards in this process, "edge" with the listener and "team" with the route, joined by
// a Unix socket as headgate-node makes it; clients and backends are played byte by byte.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "dataplane/core/unix_address.hpp"
#include "tests/shard/log_lines.hpp"
#include "tests/shard/tls_fixture.hpp"

namespace headgate::shard {
namespace {

class HopTest : public TlsFixture {
 protected:
  void SetUp() override {
    ShardFixture::SetUp();
    hop_ = {.directory = directory_ / "hop", .shard_uid_base = {}, .own_uid = ::geteuid()};
    std::filesystem::create_directories(hop_.directory);
    hop_socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto at = UnixAddress::of(hop_.path_to("team"));
    ASSERT_TRUE(at);
    ASSERT_EQ(::bind(hop_socket_.get(), at->get(), at->size()), 0);
    ASSERT_EQ(::listen(hop_socket_.get(), 128), 0);
  }
  void TearDown() override {
    if (shard_) stop();  // first: it has connections to the other
    stop_team();
    ShardFixture::TearDown();
  }
  void stop_team() {
    if (!team_) return;
    std::swap(team_, shard_);
    stop();
    std::swap(team_, shard_);
  }

  contract::Route passed_on() {
    auto made = route();
    made.rules[0].forward = {{.pool = "hop/team", .weight = 1, .filters = {}}};
    return made;
  }
  static contract::Pool to_team() {
    contract::Pool made;
    made.uid = "hop/team";
    made.hop_to = "team";
    return made;
  }
  contract::Delta first_tier() { return delta({settings_, web_listener(), passed_on(), to_team()}); }
  contract::Delta second_tier(bool with_route = true) {
    auto settings = settings_;
    settings.name = "team";
    settings.hop_peers = {{"edge", 1}};
    auto copy = web_listener();
    copy.protocol = protocol_;
    copy.hop_from = "edge";
    if (!with_route) return delta({settings});
    return delta({settings, copy, route(), pool({backend_.port()})});
  }
  void apply_to_team(const contract::Delta& change) {
    ASSERT_TRUE(team_->apply(change).ok());
    await([this] { return (void)team_->settle(), !team_->settling(); });
  }
  void start_team(HopAccess access, bool with_route = true) {
    auto started = ShardProcess::start({.name = "team/0",
                                        .threads = 2,
                                        .access_log_path = directory_ / "team.log",
                                        .clients_max = 1000,
                                        .hop = std::move(access)});
    ASSERT_TRUE(started.ok());
    team_ = std::move(*started);
    apply_to_team(second_tier(with_route));
    std::vector<UniqueFd> fds;
    fds.emplace_back(::fcntl(hop_socket_.get(), F_DUPFD_CLOEXEC, 0));
    const contract::Socket socket{.listener = {}, .bound = {}, .thread = 0, .hop = true};
    ASSERT_TRUE(team_->set_sockets({{socket}}, std::move(fds)).ok());
  }
  void start_tiers(bool with_route = true) {
    start_team(hop_, with_route);
    start(pool({}));
    apply(first_tier());
  }

  SocketPeer connect_to_hop() {
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto at = UnixAddress::of(hop_.path_to("team"));
    EXPECT_EQ(::connect(socket.get(), at->get(), at->size()), 0);
    return SocketPeer(std::move(socket));
  }
  static std::string context(const std::string& listener = "l1") {
    return "headgate-context: v1 listener=" + listener +
           " client=203.0.113.7:4711 for=203.0.113.7 proto=https host=a port=443 id=forged\r\n";
  }
  uint64_t count_of_team(std::string_view name) {
    std::swap(team_, shard_);
    const auto counted = count(name);
    std::swap(team_, shard_);
    return counted;
  }
  static std::string member(const std::string& line, const std::string& name) {
    const auto begin = line.find("\"" + name + "\":\"") + name.size() + 4;
    return line.substr(begin, line.find('"', begin) - begin);
  }

  contract::Protocol protocol_ = contract::Protocol::kHttp;  // of the listener, as the second tier knows it
  UniqueFd hop_socket_;
  std::unique_ptr<ShardProcess> team_;
};

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

constexpr const char* kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST_F(HopTest, BothTiersAreOfOneTrace) {
  settings_.tracing = contract::Boxed(contract::Tracing{"http://127.0.0.1:9/v1/traces", 0, ""});
  start_tiers();
  auto client = connect();
  client.send(std::string("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: ") + kParent + "\r\n\r\n");
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
  client.send(std::string("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: ") + kParent + "\r\n\r\n");
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
  client.send(std::string("GET / HTTP/1.1\r\nHost: a\r\ntraceparent: ") + kParent + "\r\n\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  EXPECT_THAT(head, testing::HasSubstr("traceparent: 00-0af7651916cd43dd8448eb211c80319c-"));
  EXPECT_THAT(head, testing::Not(testing::HasSubstr(kParent)));
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
