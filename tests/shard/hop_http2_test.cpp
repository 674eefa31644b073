// SPDX-License-Identifier: Apache-2.0
// The derived hop with HTTP/2 on any side of it: clients, backends, the hop itself.
#include <gmock/gmock.h>

#include "dataplane/shard/websocket_key.hpp"
#include "tests/shard/hop_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using testing_support::Http2Peer;

class HopHttp2Test : public HopFixture {};

// Of a release to come, or of a pool by hand.
TEST_F(HopHttp2Test, AFirstTierMaySpeakHttp2) {
  settings_.header_count_max = 3;
  auto hop = to_team();
  hop.protocol = contract::PoolProtocol::kH2c;
  start_team(hop_);
  start(pool({}));
  apply(delta({settings_, web_listener(), passed_on(), hop}));
  auto client = connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n");
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  EXPECT_THAT(head, testing::HasSubstr("x-one: 1\r\n"));
  EXPECT_THAT(head, testing::HasSubstr("x-forwarded-for: 127.0.0.1\r\n"));
  EXPECT_THAT(head, testing::Not(testing::HasSubstr("headgate-context")));
  EXPECT_EQ(backend.read_until("\r\n\r\n"), "2\r\nhi\r\n0\r\n\r\n");
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(count_of_team("http2_connections_total"), 1u);
}

TEST_F(HopHttp2Test, AForgedContextOverHttp2ReachesNobody) {
  start_tiers();
  Http2Peer peer(Http2Peer::Role::kClient, connect());
  const std::string forged =
      "v1 listener=l1 client=203.0.113.7:4711 for=203.0.113.7 proto=https host=a port=443 id=forged";
  const auto id = peer.post("/", {{"headgate-context", forged}, {"te", "trailers"}});
  peer.send_body(id, "hi", true, {{"headgate-context", forged}, {"x-t", "1"}});
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  EXPECT_THAT(head, testing::HasSubstr("x-forwarded-for: 127.0.0.1\r\n"));
  const auto body = backend.read_until("x-t: 1\r\n\r\n");
  EXPECT_THAT(head + body, testing::Not(testing::HasSubstr("forged")));
  EXPECT_THAT(head + body, testing::Not(testing::HasSubstr("headgate-context")));
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n" + context() + "\r\nok");
  ASSERT_TRUE(peer.await_end(id));
  EXPECT_EQ(peer.message(id).body, "ok");
  EXPECT_EQ(peer.message(id).field("headgate-context"), "");
}

TEST_F(HopHttp2Test, ACallOfGrpcStreamsThroughBothTiers) {
  start_team(hop_);
  auto grpc = pool({backend_.port()});
  grpc.protocol = contract::PoolProtocol::kH2c;
  auto change = delta({grpc});
  change.base = change.revision - 1;
  apply_to_team(change);
  start(pool({}));
  apply(first_tier());
  Http2Peer peer(Http2Peer::Role::kClient, connect());
  const auto id = peer.post("/pkg.Service/Chat", {{"content-type", "application/grpc"}, {"te", "trailers"}});
  peer.send_body(id, "q0", false);
  Http2Peer backend(Http2Peer::Role::kServer, backend_.accept());
  const auto stream = backend.accept();
  ASSERT_NE(stream, 0);
  backend.respond(stream, {{":status", "200"}, {"content-type", "application/grpc"}}, false);
  for (int round = 0; round < 3; ++round) {
    const auto question = "q" + std::to_string(round), answer = "a" + std::to_string(round);
    ASSERT_TRUE(backend.await([&] { return backend.message(stream).body.ends_with(question); }));
    backend.send_body(stream, answer, false);
    ASSERT_TRUE(peer.await([&] { return peer.message(id).body.ends_with(answer); }));
    peer.send_body(id, "q" + std::to_string(round + 1), false);
  }
  peer.send_body(id, "", true);
  ASSERT_TRUE(backend.await_end(stream));
  backend.send_body(stream, "", true, {{"grpc-status", "0"}});
  ASSERT_TRUE(peer.await_end(id));
  EXPECT_EQ(peer.message(id).trailers, (testing_support::Fields{{"grpc-status", "0"}}));
}

TEST_F(HopHttp2Test, AWebsocketOverHttp2CrossesTheHop) {
  start_tiers();
  Http2Peer peer(Http2Peer::Role::kClient, connect());
  ASSERT_TRUE(peer.await([&] {
    return nghttp2_session_get_remote_settings(peer.library(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
  }));
  const auto id = peer.request({{":method", "CONNECT"},
                                {":protocol", "websocket"},
                                {":scheme", "http"},
                                {":authority", "a"},
                                {":path", "/chat"},
                                {"sec-websocket-version", "13"}},
                               false);
  auto backend = backend_.accept();
  const auto head = backend.read_head();
  EXPECT_THAT(head, testing::HasSubstr("upgrade: websocket\r\n"));
  Arena arena;
  const auto key_begin = head.find("sec-websocket-key: ") + 19;
  const auto key = head.substr(key_begin, head.find("\r\n", key_begin) - key_begin);
  backend.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: " +
      std::string(websocket_proof(key, arena)) + "\r\n\r\n");
  peer.send_body(id, "ping", false);
  EXPECT_EQ(backend.read_exactly(4), "ping");
  backend.send("pong");
  ASSERT_TRUE(peer.await([&] { return peer.message(id).body == "pong"; }));
  EXPECT_EQ(peer.message(id).status(), "200");
}

}  // namespace
}  // namespace headgate::shard
