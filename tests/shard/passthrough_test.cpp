// SPDX-License-Identifier: Apache-2.0
// TLS that passes through, as client and backend see it byte for byte: chosen by the server name, untouched
// both ways; what is refused, and how the client is told; beside TLS that ends here, on one port.
#include <fstream>

#include <gmock/gmock.h>

#include "tests/shard/tls_fixture.hpp"
#include "tests/support/client_hellos.hpp"
#include "tests/support/proxy_headers.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;
using testing_support::client_hello;

const std::string kDecodeError("\x15\x03\x03\x00\x02\x02\x32", 7);
const std::string kAccessDenied("\x15\x03\x03\x00\x02\x02\x31", 7);
const std::string kInternalError("\x15\x03\x03\x00\x02\x02\x50", 7);
const std::string kUnrecognizedName("\x15\x03\x03\x00\x02\x02\x70", 7);

class PassthroughTest : public TlsFixture {
 protected:
  contract::Listener passing(const std::string& hostname = "") const {
    auto listener = web_listener();
    listener.uid = "pass" + hostname;
    listener.name = "pass";
    listener.protocol = contract::Protocol::kTls;
    listener.hostname = hostname;
    listener.policies = policies_;
    return listener;
  }
  contract::Route route_to(const std::string& pool, std::vector<std::string> hostnames,
                           const std::string& listener = "pass") const {
    contract::Route made;
    made.uid = "route-" + pool;
    made.namespace_name = "default";
    made.name = pool;
    made.listeners = {listener};
    made.hostnames = std::move(hostnames);
    made.rules = {contract::RouteRule{.name = "",
                                      .matches = {contract::RouteMatch{}},
                                      .forward = {{.pool = pool, .weight = 1}},
                                      .request_timeout = {},
                                      .backend_request_timeout = {},
                                      .idle_timeout = response_idle_timeout_}};
    return made;
  }
  contract::Pool pool_of(const std::string& uid, std::vector<uint16_t> ports) {
    auto made = pool(std::move(ports));
    made.uid = made.name = uid;
    return made;
  }
  void start_passing() {
    objects_.insert(objects_.end(), {settings_, passing(), route_to("app", {"app.example"}),
                                     pool_of("app", {backend_.port()})});
    start_with(objects_);
  }
  struct Tunnel {
    SocketPeer client;
    SocketPeer backend;
  };
  Tunnel open(const std::string& name = "app.example") {
    Tunnel tunnel{connect(), {}};
    const auto hello = client_hello(name);
    tunnel.client.send(hello);
    tunnel.backend = backend_.accept();
    EXPECT_EQ(tunnel.backend.read_exactly(hello.size()), hello);
    return tunnel;
  }
  std::string answer_to(const std::string& bytes) {
    auto client = connect();
    client.send(bytes);
    return client.read_all();
  }
  std::string log_text() {
    std::ifstream file(log_path_);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void await_logged(const std::string& part) {
    await([&] { return log_text().find(part) != std::string::npos; });
  }

  std::vector<std::string> policies_;
};

TEST_F(PassthroughTest, BytesPassUntouchedBothWays) {
  start_passing();
  auto tunnel = open();
  for (int round = 0; round < 3; ++round) {
    tunnel.backend.send(std::string("\x16\x03\x03\0\0\xff", 6));
    EXPECT_EQ(tunnel.client.read_exactly(6), std::string("\x16\x03\x03\0\0\xff", 6));
    tunnel.client.send("ping");
    EXPECT_EQ(tunnel.backend.read_exactly(4), "ping");
  }
  EXPECT_EQ(count("tls_passthroughs_total"), 1u);
}

TEST_F(PassthroughTest, ARealSessionIsTheBackends) {
  start_passing();
  const auto own = issue("app", "DNS:app.example");
  auto socket = connect();
  std::string answer;
  std::thread serving([&] {
    TlsPeer backend(backend_.accept(), testing_support::TlsBackendOptions{.own = own});
    if (!backend.handshake()) return;
    answer = backend.read_until("\n");
    backend.send("hello " + answer);
  });
  TlsPeer client(std::move(socket), {.server_name = "App.Example", .authority = authority_.certificate()});
  EXPECT_TRUE(client.handshake()) << client.why_not();
  client.send("client\n");
  EXPECT_EQ(client.read_until("\n"), "hello client\n");
  serving.join();
}

TEST_F(PassthroughTest, AHelloMayComeInPieces) {
  start_passing();
  const auto message = client_hello("app.example").substr(5);
  const auto hello = testing_support::records(message, 9);
  auto client = connect();
  client.send_at_once();
  for (const char byte : hello) client.send({&byte, 1});
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_exactly(hello.size()), hello);
}

TEST_F(PassthroughTest, WhatFollowsTheHelloPassesBehindIt) {
  start_passing();
  auto client = connect();
  client.send(client_hello("app.example") + "early data");
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_exactly(client_hello("app.example").size() + 10),
            client_hello("app.example") + "early data");
}

TEST_F(PassthroughTest, EachSidesEndIsPassedOnByItself) {
  start_passing();
  auto tunnel = open();
  tunnel.client.shutdown_write();
  EXPECT_TRUE(tunnel.backend.at_end());
  tunnel.backend.send("still");
  EXPECT_EQ(tunnel.client.read_exactly(5), "still");
  tunnel.backend.close();
  EXPECT_TRUE(tunnel.client.at_end());

  auto other = open();
  other.backend.shutdown_write();
  EXPECT_TRUE(other.client.at_end());
  other.client.send("still");
  EXPECT_EQ(other.backend.read_exactly(5), "still");
  other.client.close();
  EXPECT_TRUE(other.backend.at_end());
  EXPECT_TRUE(counts(2, "exchanges_total", "tunnelled"));
}

TEST_F(PassthroughTest, ASlowReaderHoldsUpTheOtherSideAndLosesNothing) {
  start_passing();
  auto tunnel = open();
  const std::string piece(64 << 10, 'x');
  std::size_t sent = 0;
  // Until neither the shard nor any socket between takes more.
  const auto takes_more = [&] {
    pollfd poll_fd{tunnel.backend.fd(), POLLOUT, 0};
    return ::poll(&poll_fd, 1, 200) == 1;
  };
  while (takes_more()) {
    sent += tunnel.backend.send_some(piece);
    ASSERT_LT(sent, std::size_t{64} << 20) << "nothing holds it up";
  }
  tunnel.backend.shutdown_write();
  std::size_t got = 0;
  for (auto bytes = tunnel.client.read_exactly(1 << 20); !bytes.empty();
       bytes = tunnel.client.read_exactly(1 << 20))
    got += bytes.size();
  EXPECT_EQ(got, sent);
}

TEST_F(PassthroughTest, TheMoreSpecificHostnameDecides) {
  ListeningPeer exact;
  ListeningPeer wide;
  ListeningPeer rest;
  start_with({settings_, passing(), route_to("exact", {"app.example"}), route_to("wide", {"*.example"}),
              route_to("rest", {}), pool_of("exact", {exact.port()}), pool_of("wide", {wide.port()}),
              pool_of("rest", {rest.port()})});
  const auto reaches = [&](const std::string& name, ListeningPeer& expected) {
    auto client = connect();
    client.send(client_hello(name));
    return expected.accept().read_exactly(1) == "\x16";
  };
  EXPECT_TRUE(reaches("app.example", exact));
  EXPECT_TRUE(reaches("b.app.example", wide));
  EXPECT_TRUE(reaches("elsewhere", rest));
  EXPECT_TRUE(reaches("", rest)) << "no name at all";
}

TEST_F(PassthroughTest, WhoIsNotServedIsToldByAnAlert) {
  start_passing();
  EXPECT_EQ(answer_to(client_hello("other.example")), kUnrecognizedName);
  EXPECT_EQ(answer_to(client_hello("")), kUnrecognizedName);
  EXPECT_EQ(answer_to(client_hello("a..b")), kDecodeError);
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\n\r\n"), kDecodeError);
  EXPECT_TRUE(counts(2, "not_routed_total", "no_rule"));
  EXPECT_TRUE(counts(1, "client_hellos_refused_total", "bad_server_name"));
  EXPECT_TRUE(counts(1, "client_hellos_refused_total", "not_tls"));
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(PassthroughTest, AHostnameOfNoListenerIsNotServed) {
  start_with({settings_, passing("*.example"), route_to("app", {}, "pass*.example"),
              pool_of("app", {backend_.port()})});
  EXPECT_EQ(answer_to(client_hello("app.other")), kUnrecognizedName);
  EXPECT_EQ(answer_to(client_hello("")), kUnrecognizedName);
  EXPECT_TRUE(counts(2, "not_routed_total", "no_listener"));
  open("app.example");
}

TEST_F(PassthroughTest, AHelloThatDoesNotEndIsNotWaitedFor) {
  settings_.handshake_timeout = contract::Millis(50);
  start_passing();
  EXPECT_EQ(answer_to(client_hello("app.example").substr(0, 20)), "");
  EXPECT_TRUE(counts(1, "exchanges_total", "header_timeout"));
}

TEST_F(PassthroughTest, WhoLeavesBeforeItsHelloIsWholeIsGone) {
  start_passing();
  auto client = connect();
  client.send(client_hello("app.example").substr(0, 20));
  client.shutdown_write();
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(count("requests_total"), 0u);
}

TEST_F(PassthroughTest, ADeadBackendIsPassedOver) {
  RefusingPort dead;
  start_with({settings_, passing(), route_to("app", {}), pool_of("app", {dead.port(), backend_.port()})});
  for (int i = 0; i < 4; ++i) open();
  EXPECT_GE(count("upstream_connect_failures_total"), 1u);
}

TEST_F(PassthroughTest, WithoutALivingBackendItIsAnInternalError) {
  RefusingPort dead;
  RefusingPort dead_too;
  auto backends = pool_of("app", {dead.port(), dead_too.port()});
  backends.outlier.emplace().consecutive_connect_failures = 1;
  start_with({settings_, passing(), route_to("app", {}), backends});
  EXPECT_EQ(answer_to(client_hello("app.example")), kInternalError);
  EXPECT_TRUE(counts(1, "exchanges_total", "backend_unreachable"));
  EXPECT_TRUE(counts(1, "upstream_ejections_total")) << "of failed connects an endpoint is accused";
}

TEST_F(PassthroughTest, TheBreakerCountsItsConnections) {
  auto backends = pool_of("app", {backend_.port()});
  backends.circuit_breaker.connections_max = 1;
  backends.circuit_breaker.pending_max = 1;
  start_with({settings_, passing(), route_to("app", {}), backends});
  auto first = open();
  auto second = connect();
  second.send(client_hello("app.example"));
  EXPECT_TRUE(counts(1, "upstream_queued_total"));
  EXPECT_EQ(answer_to(client_hello("app.example")), kInternalError);
  EXPECT_TRUE(counts(1, "not_routed_total", "pool_queue_full"));
  first.client.close();
  first.backend.close();
  EXPECT_EQ(backend_.accept().read_exactly(1), "\x16") << "who waited is next";
}

TEST_F(PassthroughTest, WhateverElseThePoolSpeaksTheBytesAreTheClients) {
  auto backends = pool_of("app", {backend_.port()});
  backends.protocol = contract::PoolProtocol::kH2;
  backends.tls.emplace();
  start_with({settings_, passing(), route_to("app", {}), backends});
  auto tunnel = open();
  auto other = open();
  tunnel.backend.send("one");
  other.backend.send("two");
  EXPECT_EQ(tunnel.client.read_exactly(3), "one");
  EXPECT_EQ(other.client.read_exactly(3), "two");
}

TEST_F(PassthroughTest, AnIdleTunnelEnds) {
  response_idle_timeout_ = contract::Millis(50);
  start_passing();
  auto tunnel = open();
  EXPECT_TRUE(tunnel.client.at_end());
  EXPECT_TRUE(tunnel.backend.at_end());
  EXPECT_TRUE(counts(1, "exchanges_total", "response_timeout"));
}

TEST_F(PassthroughTest, ATunnelOutlivesItsRouteAndADrain) {
  start_passing();
  auto tunnel = open();
  auto gone = delta({});
  gone.base = gone.revision - 1;
  gone.removals = {{kAudience, contract::Kind::kRoute, "route-app"},
                   {kAudience, contract::Kind::kListener, "pass"}};
  apply(gone);
  shard_->drain();
  tunnel.client.send("ping");
  EXPECT_EQ(tunnel.backend.read_exactly(4), "ping");
  tunnel.backend.send("pong");
  EXPECT_EQ(tunnel.client.read_exactly(4), "pong");
  EXPECT_FALSE(shard_->drained());
}

TEST_F(PassthroughTest, PoliciesOfAddressesHold) {
  contract::Policy policy;
  policy.uid = "deny";
  policy.name = "deny";
  policy.filters.emplace().ip_access.emplace().deny = {*Prefix::parse("127.0.0.0/8")};
  policies_ = {"deny"};
  objects_ = {policy};
  start_passing();
  EXPECT_EQ(answer_to(client_hello("app.example")), kAccessDenied);
  EXPECT_TRUE(counts(1, "exchanges_total", "filtered"));
}

TEST_F(PassthroughTest, AProxyHeaderStandsAheadOfTheHello) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  proxy_protocol_ = true;
  start_passing();
  auto client = connect();
  client.send("PROXY TCP4 192.0.2.2 198.51.100.1 51234 443\r\n" + client_hello("app.example"));
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_exactly(client_hello("app.example").size()), client_hello("app.example"));
  client.close();
  backend.close();
  await_logged(R"("client":"192.0.2.2")");
}

TEST_F(PassthroughTest, ABackendIsToldOfTheClientAheadOfTheHello) {
  auto backends = pool_of("app", {backend_.port()});
  backends.proxy_protocol = contract::ProxyVersion::kV1;
  start_with({settings_, passing(), route_to("app", {}), backends});
  auto client = connect();
  client.send(client_hello("app.example"));
  auto backend = backend_.accept();
  const auto line = backend.read_until("\r\n");
  EXPECT_TRUE(line.starts_with("PROXY TCP4 127.0.0.1 127.0.0.1 ")) << line;
  EXPECT_TRUE(line.ends_with(" " + std::to_string(port_) + "\r\n")) << line;
  EXPECT_EQ(backend.read_exactly(client_hello("app.example").size()), client_hello("app.example"));
}

TEST_F(PassthroughTest, TheLogSaysWhatWasDecided) {
  start_passing();
  {
    auto client = connect();
    testing_support::HelloParts parts;
    parts.extensions = testing_support::server_name_extension(testing_support::host_name("app.example")) +
                       testing_support::alpn_extension({"h2", "http/1.1"});
    const auto hello = testing_support::record(testing_support::hello_message(parts));
    client.send(hello);
    auto backend = backend_.accept();
    backend.read_exactly(hello.size());
    backend.send("12345");
    client.read_exactly(5);
  }
  await_logged("tunnelled");
  const auto line = log_text();
  for (const std::string part :
       {R"("client":"127.0.0.1","listener":"pass","protocol":"tls","server_name":"app.example",)",
        R"("alpn":"h2,http/1.1",)", R"("sent_bytes":5,)",
        R"("namespace":"default","route":"app","pool":"app","backend":"127.0.0.1:)",
        R"("ending":"tunnelled"})"})
    EXPECT_THAT(line, HasSubstr(part));
  EXPECT_EQ(line.find("status"), std::string::npos);
}

TEST_F(PassthroughTest, TheLogHasTheFieldsThatAreChosen) {
  using contract::LogField;
  settings_.access_log_fields = {LogField::kServerName, LogField::kPath, LogField::kSentBytes,
                                 LogField::kPool};
  settings_.access_log_request_headers = {"user-agent"};
  start_passing();
  {
    auto tunnel = open();
    tunnel.backend.send("12345");
    tunnel.client.read_exactly(5);
  }
  await_logged("\n");
  EXPECT_EQ(log_text(), R"({"server_name":"app.example","sent_bytes":5,"pool":"app"})"
                        "\n");
}

// --- TLS that ends here on the same port

class BesideTerminationTest : public PassthroughTest {
 protected:
  void start_both() {
    objects_ = {passing("app.example"), route_to("raw", {}, "passapp.example"),
                pool_of("raw", {raw_.port()})};
    start_tls({issue("web", "DNS:web.example,DNS:app.example")});
  }
  ListeningPeer raw_;
};

TEST_F(BesideTerminationTest, TheServerNameDecidesWhereTlsEnds) {
  start_both();
  auto client = connect();
  client.send(client_hello("app.example"));
  EXPECT_EQ(raw_.accept().read_exactly(1), "\x16");
  auto ended_here = peer("web.example");
  ASSERT_TRUE(ended_here.handshake()) << ended_here.why_not();
  EXPECT_THAT(exchange_or_nothing(ended_here), HasSubstr("no_rule"));
  auto nameless = peer("");
  ASSERT_TRUE(nameless.handshake()) << nameless.why_not();
}

TEST_F(BesideTerminationTest, WhatIsPassedThroughIsNotServedOverTlsThatEndedHere) {
  start_both();
  auto client = peer("web.example");
  ASSERT_TRUE(client.handshake()) << client.why_not();
  client.send("GET / HTTP/1.1\r\nHost: app.example\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n"), HasSubstr("421"));
  EXPECT_FALSE(raw_.has_waiting());
}

TEST_F(BesideTerminationTest, AHelloThatIsNoneIsRefusedOnceForBoth) {
  start_both();
  EXPECT_EQ(answer_to("GET / HTTP/1.1\r\n\r\n"), kDecodeError);
}

}  // namespace
}  // namespace headgate::shard
