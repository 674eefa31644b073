// SPDX-License-Identifier: Apache-2.0
// WebSockets to a backend that speaks HTTP/2 (RFC 8441), of clients of both versions.
#include <gmock/gmock.h>

#include "dataplane/shard/http2/upstream_leg.hpp"
#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard::http2 {
namespace {

using testing::HasSubstr;
using testing_support::Fields;
using testing_support::Http2Peer;

class UpstreamWebsocketTest : public ShardFixture {
 protected:
  // The example of RFC 6455 section 1.3, with its proof.
  static constexpr const char* kUpgrade =
      "GET /chat?room=1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Protocol: chat\r\n\r\n";
  static constexpr const char* kProof = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  static inline const std::vector<nghttp2_settings_entry> kOffers{
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1}};

  void start_h2c() {
    auto made = pool({backend_.port()});
    made.protocol = contract::PoolProtocol::kH2c;
    start(made);
  }
  Http2Peer& accept(std::vector<nghttp2_settings_entry> settings = kOffers) {
    backends_.push_back(
        std::make_unique<Http2Peer>(Http2Peer::Role::kServer, backend_.accept(), std::move(settings)));
    return *backends_.back();
  }
  static Fields connect_fields() {
    return {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "http"},
            {":authority", "a"},    {":path", "/chat"},         {"sec-websocket-version", "13"}};
  }

  void TearDown() override {
    backends_.clear();  // a tunnel ends when both its sides have
    ShardFixture::TearDown();
  }

  std::vector<std::unique_ptr<Http2Peer>> backends_;
};

TEST_F(UpstreamWebsocketTest, AnUpgradeIsAnExtendedConnect) {
  start_h2c();
  auto client = connect();
  client.send(kUpgrade);
  auto& backend = accept();
  const int32_t id = backend.accept();
  ASSERT_NE(id, 0);
  auto& request = backend.message(id);
  const std::vector<std::pair<std::string, std::string>> fields{{":method", "CONNECT"},
                                                                {":protocol", "websocket"},
                                                                {":scheme", "http"},
                                                                {":authority", "a"},
                                                                {":path", "/chat?room=1"},
                                                                {"sec-websocket-version", "13"},
                                                                {"sec-websocket-protocol", "chat"}};
  for (const auto& [name, value] : fields) EXPECT_EQ(request.field(name), value) << name;
  for (const auto* absent : {"sec-websocket-key", "upgrade", "connection", "content-length", "te"})
    EXPECT_EQ(request.field(absent), "") << absent;
  EXPECT_FALSE(request.ended);
  backend.respond(id, {{":status", "200"}, {"sec-websocket-protocol", "chat"}}, false);
  const auto head = client.read_head();
  EXPECT_THAT(head, testing::StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(head, HasSubstr(kProof));
  EXPECT_THAT(head, HasSubstr("sec-websocket-protocol: chat\r\n"));
  EXPECT_THAT(head, HasSubstr("connection: upgrade\r\nupgrade: websocket\r\n"));
  for (int round = 0; round < 3; ++round) {
    client.send("ping");
    ASSERT_TRUE(backend.await([&] { return request.body.size() == 4u * (round + 1); }));
    backend.send_body(id, "pong", false);
    EXPECT_EQ(client.read_exactly(4), "pong");
  }
  client.shutdown_write();
  ASSERT_TRUE(backend.await_end(id));
  EXPECT_TRUE(request.ended);
  backend.send_body(id, "", true);
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(counts(1, "exchanges_total", "tunnelled"));
}

TEST_F(UpstreamWebsocketTest, HasItsProofAndItsKeyAlsoWithoutOneOfTheClient) {
  start_h2c();
  Http2Peer client(Http2Peer::Role::kClient, connect());
  const int32_t id = client.request(connect_fields(), false);
  auto& backend = accept();
  const int32_t stream = backend.accept();
  ASSERT_NE(stream, 0);
  EXPECT_EQ(backend.message(stream).field(":method"), "CONNECT");
  EXPECT_EQ(backend.message(stream).field("sec-websocket-key"), "");
  backend.respond(stream, {{":status", "200"}, {"content-length", "3"}},
                  false);  // which says nothing of a tunnel
  ASSERT_TRUE(client.await([&] { return !client.message(id).heads.empty(); }));
  EXPECT_EQ(client.message(id).status(), "200");
  for (const auto* absent : {"sec-websocket-accept", "content-length"})
    EXPECT_EQ(client.message(id).field(absent), "") << absent;
  client.send_body(id, "to and", false);
  ASSERT_TRUE(backend.await([&] { return backend.message(stream).body == "to and"; }));
  backend.send_body(stream, " fro", true);
  ASSERT_TRUE(client.await([&] { return client.message(id).ended; }));
  EXPECT_EQ(client.message(id).body, " fro");
}

TEST_F(UpstreamWebsocketTest, SharesItsConnectionWithRequests) {
  start_h2c();
  auto client = connect();
  client.send(kUpgrade);
  auto& backend = accept();
  const int32_t id = backend.accept();
  backend.respond(id, {{":status", "200"}}, false);
  client.read_head();
  auto other = connect();
  other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const int32_t get = backend.accept();
  ASSERT_NE(get, 0);
  backend.respond(get, {{":status", "204"}});
  EXPECT_EQ(other.read_head().substr(9, 3), "204");
  client.send("still open");
  EXPECT_TRUE(backend.await([&] { return backend.message(id).body == "still open"; }));
  EXPECT_TRUE(counts(1, "upstream_connects_total"));
}

TEST_F(UpstreamWebsocketTest, WaitsUntilTheSettingsHaveCome) {
  start_h2c();
  auto client = connect();
  client.send(kUpgrade);
  auto& backend = accept();  // which has said nothing yet
  ASSERT_TRUE(backend.read_some(testing_support::kDeadlineMs));
  await_rest();
  while (backend.read_some(0)) {
  }
  EXPECT_TRUE(backend.message(1).heads.empty());
  EXPECT_EQ(backend.accept(), 1);
}

TEST_F(UpstreamWebsocketTest, ABackendThatOffersNoneIsNotAsked) {
  start_h2c();
  auto client = connect();
  client.send(kUpgrade);
  auto& backend = accept({});
  backend.flush();
  EXPECT_THAT(client.read_until("websocket_unsupported\n"), testing::StartsWith("HTTP/1.1 502 "));
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  const int32_t get = backend.accept();
  ASSERT_NE(get, 0);
  EXPECT_EQ(backend.message(get).field(":method"), "GET");  // and nothing was before it
  backend.respond(get, {{":status", "204"}});
  EXPECT_EQ(client.read_head().substr(9, 3), "204");
  EXPECT_TRUE(counts(0, "ejections_total"));
}

TEST_F(UpstreamWebsocketTest, WhatRefusesItPassesAsItIs) {
  start_h2c();
  auto client = connect();
  client.send(kUpgrade);
  auto& backend = accept();
  const int32_t id = backend.accept();
  backend.respond(id, {{":status", "403"}, {"content-length", "2"}}, false);
  backend.send_body(id, "no");
  EXPECT_EQ(client.read_head().substr(9, 3), "403");
  EXPECT_EQ(client.read_exactly(2), "no");
  EXPECT_TRUE(backend.await([&] { return backend.message(id).closed.has_value(); }));
}

// RFC 9113 section 8.5.
TEST_F(UpstreamWebsocketTest, TrailersInATunnelBreakIt) {
  start_h2c();
  Http2Peer client(Http2Peer::Role::kClient, connect());
  const int32_t id = client.request(connect_fields(), false);
  auto& backend = accept();
  const int32_t stream = backend.accept();
  backend.respond(stream, {{":status", "200"}}, false);
  ASSERT_TRUE(client.await([&] { return !client.message(id).heads.empty(); }));
  backend.send_body(stream, "x", true, {{"x-sum", "1"}});
  ASSERT_TRUE(client.await([&] { return client.message(id).closed.has_value(); }));
  EXPECT_FALSE(client.message(id).ended);
  EXPECT_EQ(client.message(id).closed, uint32_t{NGHTTP2_CANCEL});
  EXPECT_TRUE(counts(1, "exchanges_total", "backend_malformed"));
}

TEST_F(UpstreamWebsocketTest, WithoutAKeyTheBackendIsNotAsked) {
  start_h2c();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  auto& backend = accept();
  backend.flush();
  EXPECT_THAT(client.read_until("websocket_unsupported\n"), testing::StartsWith("HTTP/1.1 502 "));
  while (backend.read_some(0)) {
  }
  EXPECT_TRUE(backend.message(1).heads.empty());
}

// Nobody has seen the request then, so it goes to new connections as long as it may.
TEST_F(UpstreamWebsocketTest, OneThatIsLostWhileItWaitsIsTriedAgain) {
  start_h2c();
  auto client = connect();
  client.send(kUpgrade);
  backend_.accept().read_until("SM\r\n\r\n");
  auto speaks_http1 = backend_.accept();
  speaks_http1.read_until("SM\r\n\r\n");
  speaks_http1.send("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
  // SETTINGS that offer it, and the end of the connection in the same packet.
  auto leaves = backend_.accept();
  leaves.read_until("SM\r\n\r\n");
  const int on = 1;
  ASSERT_EQ(::setsockopt(leaves.fd(), IPPROTO_TCP, TCP_CORK, &on, sizeof on), 0);
  leaves.send(testing_support::http2_frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\x08\0\0\0\x01", 6)));
  leaves.shutdown_write();
  auto& backend = accept();
  const int32_t id = backend.accept();
  ASSERT_NE(id, 0);
  backend.respond(id, {{":status", "200"}}, false);
  EXPECT_THAT(client.read_head(), testing::StartsWith("HTTP/1.1 101 "));
}

TEST_F(UpstreamWebsocketTest, ABackendThatNeverSendsItsSettingsIsAccused) {
  settings_.response_timeout = 60ms;
  start_h2c();
  auto client = connect();
  client.send(kUpgrade);
  auto silent = backend_.accept();
  EXPECT_THAT(client.read_head(), testing::StartsWith("HTTP/1.1 504 "));
  EXPECT_TRUE(counts(1, "exchanges_total", "response_timeout"));
}

}  // namespace
}  // namespace headgate::shard::http2
