// SPDX-License-Identifier: Apache-2.0
// HTTP/2 on the backend's side, with clients of both versions.
#include "dataplane/shard/http2/client_session.hpp"

#include <netinet/tcp.h>

#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard::http2 {
namespace {

using testing_support::Fields;
using testing_support::Http2Peer;

class ClientSessionTest : public ShardFixture {
 protected:
  static constexpr uint32_t kResetsAtOnce =
      limits::kHttp2BurstSeconds * contract::Http2Limits().resets_per_second;

  void start_h2c(std::vector<uint16_t> ports) {
    auto made = pool(std::move(ports));
    made.protocol = contract::PoolProtocol::kH2c;
    start(made);
  }
  void start_h2c() { start_h2c({backend_.port()}); }

  std::unique_ptr<Http2Peer> accept(std::vector<nghttp2_settings_entry> settings = {}) {
    return std::make_unique<Http2Peer>(Http2Peer::Role::kServer, backend_.accept(), std::move(settings));
  }
  std::unique_ptr<Http2Peer> client() {
    return std::make_unique<Http2Peer>(Http2Peer::Role::kClient, connect());
  }
};

TEST_F(ClientSessionTest, AnHttp1RequestIsTranslatedAndItsAnswerToo) {
  start_h2c();
  auto client = connect();
  client.send("GET /a?q HTTP/1.1\r\nHost: App.Example:81\r\nX-A: 1\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n");
  auto backend = accept();
  const int32_t id = backend->accept();
  ASSERT_NE(id, 0);
  auto& request = backend->message(id);
  EXPECT_EQ(request.field(":method"), "GET");
  EXPECT_EQ(request.field(":scheme"), "http");
  EXPECT_EQ(request.field(":authority"), "app.example:81");
  EXPECT_EQ(request.field(":path"), "/a?q");
  EXPECT_EQ(request.field("x-a"), "1");
  EXPECT_EQ(request.field("x-hop"), "");
  EXPECT_EQ(request.field("host"), "");
  EXPECT_TRUE(request.ended);
  backend->respond(id, {{":status", "200"}, {"x-back", "1"}, {"content-length", "2"}}, false);
  backend->send_body(id, "ok");
  EXPECT_EQ(without_date(client.read_head()), "HTTP/1.1 200 OK\r\nx-back: 1\r\ncontent-length: 2\r\n\r\n");
  EXPECT_EQ(client.read_exactly(2), "ok");
}

TEST_F(ClientSessionTest, AnAnswerWithoutLengthIsChunkedForHttp1AndKeepsItsTrailers) {
  start_h2c();
  auto client = connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: te\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n");
  auto backend = accept();
  const int32_t id = backend->accept();
  ASSERT_TRUE(backend->await_end(id));
  EXPECT_EQ(backend->message(id).body, "abc");
  EXPECT_EQ(backend->message(id).field("te"), "trailers");
  EXPECT_EQ(backend->message(id).trailers, (Fields{{"x-sum", "1"}}));
  backend->respond(id, {{":status", "200"}}, false);
  backend->send_body(id, "hi", true, {{"grpc-status", "0"}});
  EXPECT_NE(client.read_head().find("transfer-encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(client.read_until("\r\n\r\n"), "2\r\nhi\r\n0\r\ngrpc-status: 0\r\n\r\n");
}

TEST_F(ClientSessionTest, AnAnswerThatIsItsHeadAloneHasALengthForHttp1) {
  start_h2c();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = accept();
  const int32_t id = backend->accept();
  backend->respond(id, {{":status", "200"}, {"grpc-status", "5"}});
  EXPECT_NE(client.read_head().find("content-length: 0\r\n"), std::string::npos);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  backend->respond(backend->accept(), {{":status", "204"}});
  EXPECT_EQ(client.read_head().substr(9, 3), "204");
}

TEST_F(ClientSessionTest, GrpcStreamsBothWaysWithTrailers) {
  start_h2c();
  auto peer = client();
  const int32_t id =
      peer->post("/pkg.Service/Chat", {{"content-type", "application/grpc"}, {"te", "trailers"}});
  peer->send_body(id, "q0", false);
  auto backend = accept();
  const int32_t stream = backend->accept();
  ASSERT_NE(stream, 0);
  backend->respond(stream, {{":status", "200"}, {"content-type", "application/grpc"}}, false);
  for (int round = 0; round < 5; ++round) {
    const std::string question = "q" + std::to_string(round);
    ASSERT_TRUE(backend->await([&] { return backend->message(stream).body.ends_with(question); }));
    backend->send_body(stream, "a" + std::to_string(round), false);
    ASSERT_TRUE(peer->await([&] { return peer->message(id).body.ends_with("a" + std::to_string(round)); }));
    peer->send_body(id, "q" + std::to_string(round + 1), false);
  }
  peer->send_body(id, "", true);
  ASSERT_TRUE(backend->await_end(stream));
  backend->send_body(stream, "", true, {{"grpc-status", "0"}, {"grpc-message", "fine"}});
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).trailers, (Fields{{"grpc-status", "0"}, {"grpc-message", "fine"}}));
  EXPECT_FALSE(peer->message(id).closed.value_or(0));
}

TEST_F(ClientSessionTest, ManyExchangesShareOneConnection) {
  start_h2c();
  auto peer = client();
  std::vector<int32_t> ids;
  for (int i = 0; i < 50; ++i) ids.push_back(peer->get("/" + std::to_string(i)));
  auto backend = accept();
  for (int i = 0; i < 50; ++i) {
    const int32_t stream = backend->accept();
    ASSERT_NE(stream, 0);
    backend->respond(stream, {{":status", "200"}}, false);
    backend->send_body(stream, backend->message(stream).field(":path"));
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(peer->await_end(ids[i]));
    EXPECT_EQ(peer->message(ids[i]).body, "/" + std::to_string(i));
  }
  EXPECT_TRUE(counts(1, "upstream_connects_total"));
}

TEST_F(ClientSessionTest, NothingTurnsWhileAConnectionIsIdleOrWaits) {
  start_h2c();
  auto peer = client();
  const int32_t id = peer->get("/");
  auto backend = accept();
  const int32_t stream = backend->accept();
  await_rest();
  backend->respond(stream, {{":status", "200"}});
  ASSERT_TRUE(peer->await_end(id));
  await_rest();
}

TEST_F(ClientSessionTest, WhatTheBackendAllowsAtOnceIsKept) {
  start_h2c();
  auto first = client();
  first->get("/0");
  auto backend = accept({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1}});
  ASSERT_NE(backend->accept(), 0);
  ASSERT_TRUE(backend->await([&] {
    return nghttp2_session_get_local_settings(backend->library(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) ==
           1;
  }));
  first->get("/1");
  auto other = accept();  // another connection: the first is full
  EXPECT_NE(other->accept(), 0);
}

TEST_F(ClientSessionTest, ARefusedStreamIsTriedAgainWhateverItsMethod) {
  start_h2c();
  auto peer = client();
  const int32_t id = peer->post("/", {{"content-length", "3"}});
  peer->send_body(id, "abc");
  auto backend = accept();
  const int32_t stream = backend->accept();
  ASSERT_TRUE(backend->await_end(stream));
  backend->reset(stream, NGHTTP2_REFUSED_STREAM);
  auto second = accept();
  const int32_t again = second->accept();
  ASSERT_TRUE(second->await_end(again));
  EXPECT_EQ(second->message(again).body, "abc");
  second->respond(again, {{":status", "200"}});
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "200");
}

// Where it sheds load it is not asked sixteen times at once in the place of once.
TEST_F(ClientSessionTest, ABackendThatRefusesEveryStreamIsAskedAFewTimesOnly) {
  retry_ = contract::Retry{.attempts = 1,
                           .on = {contract::RetryOn::kRefusedStream},
                           .statuses = {},
                           .backoff_base = contract::Millis(1),
                           .backoff_max = contract::Millis(2)};
  start_h2c();
  auto peer = client();
  const int32_t id = peer->get("/");
  constexpr unsigned kAsked = 1 + limits::kUnreadTriesMax + 1;
  for (unsigned asked = 0; asked < kAsked; ++asked) {
    auto backend = accept();
    const int32_t stream = backend->accept();
    ASSERT_NE(stream, 0) << asked;
    ASSERT_TRUE(backend->await_end(stream));
    backend->reset(stream, NGHTTP2_REFUSED_STREAM);
  }
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "502");
  EXPECT_FALSE(backend_.has_waiting());
  EXPECT_EQ(count("retries_total"), uint64_t{kAsked - 1});
}

// The connection goes right behind what it says: now and then our next write sees that first.
TEST_F(ClientSessionTest, WhatABackendHasSaidBeforeItClosesCounts) {
  start_h2c();
  auto peer = client();
  for (unsigned round = 0; round < 20; ++round) {
    const int32_t id = peer->get("/");
    auto backend = accept();
    const int32_t refused = backend->accept();
    ASSERT_NE(refused, 0) << round;
    backend->reset(refused, NGHTTP2_REFUSED_STREAM);
    backend.reset();
    backend = accept();
    const int32_t answered = backend->accept();
    ASSERT_NE(answered, 0) << round;
    backend->respond(answered, {{":status", "204"}});
    backend.reset();
    ASSERT_TRUE(peer->await_end(id)) << round;
    ASSERT_EQ(peer->message(id).status(), "204") << round;
  }
}

TEST_F(ClientSessionTest, AfterAGoawayNewExchangesTakeAnotherConnection) {
  start_h2c();
  auto peer = client();
  const int32_t id = peer->get("/1");
  auto backend = accept();
  const int32_t stream = backend->accept();
  nghttp2_submit_goaway(backend->library(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR, nullptr, 0);
  backend->flush();
  // The answer comes behind the GOAWAY: once it is here, so is that.
  backend->inform(stream, {{":status", "103"}});
  ASSERT_TRUE(peer->await([&] { return peer->message(id).status() == "103"; }));
  const int32_t next = peer->get("/2");
  auto second = accept();
  const int32_t other = second->accept();
  second->respond(other, {{":status", "204"}});
  ASSERT_TRUE(peer->await_end(next));
  backend->respond(stream, {{":status", "200"}});
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "200");
}

TEST_F(ClientSessionTest, AResetOfEitherSideReachesTheOther) {
  start_h2c();
  auto peer = client();
  const int32_t id = peer->get("/1");
  auto backend = accept();
  int32_t stream = backend->accept();
  peer->reset(id);
  ASSERT_TRUE(backend->await([&] { return backend->message(stream).closed.has_value(); }));
  EXPECT_EQ(*backend->message(stream).closed, uint32_t{NGHTTP2_CANCEL});

  const int32_t next = peer->get("/2");
  stream = backend->accept();
  backend->respond(stream, {{":status", "200"}}, false);
  backend->send_body(stream, "part", false);
  ASSERT_TRUE(peer->await([&] { return peer->message(next).body == "part"; }));
  backend->reset(stream, NGHTTP2_INTERNAL_ERROR);
  ASSERT_TRUE(peer->await([&] { return peer->message(next).closed.has_value(); }));
  EXPECT_FALSE(peer->message(next).ended);
}

TEST_F(ClientSessionTest, ClientsThatLeaveTakeNoNeighbourAlong) {
  start_h2c();
  auto peer = client();
  const int32_t kept = peer->get("/kept");
  auto backend = accept();
  const int32_t stream = backend->accept();
  for (uint32_t i = 0; i < 2 * kResetsAtOnce; ++i) {
    auto leaving = connect();
    leaving.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const int32_t left = backend->accept();
    leaving.reset();
    ASSERT_TRUE(backend->await([&] { return backend->message(left).closed.has_value(); })) << i;
  }
  backend->respond(stream, {{":status", "200"}});
  ASSERT_TRUE(peer->await_end(kept));
  EXPECT_EQ(peer->message(kept).status(), "200");
  EXPECT_FALSE(backend->goaway());
  EXPECT_EQ(count("http2_reset_floods_total"), 0u);
}

// RFC 9113 section 8.1: whoever answers before the request has ended asks for no more of it, by NO_ERROR.
TEST_F(ClientSessionTest, ABackendThatAnswersEarlyKeepsItsConnection) {
  start_h2c();
  auto peer = client();
  const int32_t kept = peer->get("/kept");
  auto backend = accept();
  const int32_t stream = backend->accept();
  for (uint32_t i = 0; i < 2 * kResetsAtOnce; ++i) {
    const int32_t id = peer->post("/", {});
    const int32_t early = backend->accept();
    ASSERT_NE(early, 0) << i;
    backend->respond(early, {{":status", "404"}});
    backend->reset(early, NGHTTP2_NO_ERROR);
    ASSERT_TRUE(peer->await_end(id)) << i;
    ASSERT_EQ(peer->message(id).status(), "404") << i;
  }
  backend->respond(stream, {{":status", "200"}});
  ASSERT_TRUE(peer->await_end(kept));
  EXPECT_EQ(peer->message(kept).status(), "200");
  EXPECT_FALSE(backend->goaway());
  EXPECT_EQ(count("http2_reset_floods_total"), 0u);
}

TEST_F(ClientSessionTest, AMalformedAnswerIsA502AndItsNeighboursGoOn) {
  start_h2c();
  auto peer = client();
  const int32_t bad = peer->get("/bad");
  auto backend = accept();
  const int32_t stream = backend->accept();
  const int32_t good = peer->get("/good");
  const int32_t neighbour = backend->accept();
  backend->respond(stream, {{":status", "200"}, {"connection", "close"}});
  ASSERT_TRUE(peer->await_end(bad));
  EXPECT_EQ(peer->message(bad).status(), "502");
  backend->respond(neighbour, {{":status", "200"}});
  ASSERT_TRUE(peer->await_end(good));
  EXPECT_EQ(peer->message(good).status(), "200");
}

TEST_F(ClientSessionTest, ALostConnectionFailsItsExchangesAndNoOthers) {
  start_h2c();
  auto peer = client();
  const int32_t id = peer->post("/", {{"content-length", "3"}});
  peer->send_body(id, "abc");
  auto backend = accept();
  const int32_t stream = backend->accept();
  ASSERT_TRUE(backend->await_end(stream));
  backend.reset();
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "502");
}

// The end comes in the same packet, so that the session is gone when its exchange hears of the answer.
TEST_F(ClientSessionTest, AnAnswerWithTheEndOfItsConnectionIsTriedAgainByItsStatus) {
  retry_ = contract::Retry{.attempts = 1,
                           .on = {},
                           .statuses = {{503, 503}},
                           .backoff_base = contract::Millis(1),
                           .backoff_max = contract::Millis(2)};
  start_h2c();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto first = accept();
  const int32_t id = first->accept();
  ASSERT_NE(id, 0);
  const int on = 1;
  ASSERT_EQ(::setsockopt(first->socket().fd(), IPPROTO_TCP, TCP_CORK, &on, sizeof on), 0);
  first->respond(id, {{":status", "503"}});
  first->socket().shutdown_write();
  auto second = accept();
  const int32_t again = second->accept();
  ASSERT_NE(again, 0);
  second->respond(again, {{":status", "204"}});
  EXPECT_EQ(client.read_head().substr(9, 3), "204");
}

TEST_F(ClientSessionTest, AStalledClientHoldsUpNoNeighbourOnTheConnection) {
  start_h2c();
  Http2Peer stalled(Http2Peer::Role::kClient, connect(), {}, false);
  const int32_t held = stalled.get("/big");
  auto backend = accept();
  const int32_t big = backend->accept();
  backend->respond(big, {{":status", "200"}}, false);
  backend->send_body(big, std::string(10u << 20, 'x'));
  while (stalled.message(held).body.size() < 65535 && stalled.read_some(testing_support::kDeadlineMs)) {
    stalled.flush();
    while (backend->read_some(0)) backend->flush();
  }
  auto peer = client();
  const int32_t id = peer->get("/small");
  const int32_t small = backend->accept();
  ASSERT_NE(small, 0);
  backend->respond(small, {{":status", "200"}}, false);
  backend->send_body(small, "ok");
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).body, "ok");
  EXPECT_FALSE(backend->sent_whole(big));
}

TEST_F(ClientSessionTest, ABackendThatCannotBeReachedIsA503) {
  const testing_support::RefusingPort refusing;
  start_h2c({refusing.port()});
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_until("all_backends_tried\n").substr(9, 3), "503");
}

}  // namespace
}  // namespace headgate::shard::http2
