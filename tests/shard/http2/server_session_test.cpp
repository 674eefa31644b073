// SPDX-License-Identifier: Apache-2.0
// HTTP/2 on the client's side, HTTP/1.1 on the backend's: what each of them sees. What comes too often:
// server_floods_test.cpp.
#include "dataplane/shard/http2/server_session.hpp"

#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard::http2 {
namespace {

using testing_support::Fields;
using testing_support::http2_frame;
using testing_support::Http2Peer;

class ServerSessionTest : public ShardFixture {
 protected:
  static constexpr contract::Http2Limits kLimits{};
  static constexpr uint32_t kStreamsMax = kLimits.streams_max;
  static constexpr uint32_t kResetsAtOnce = limits::kHttp2BurstSeconds * kLimits.resets_per_second;

  std::unique_ptr<Http2Peer> client(std::vector<nghttp2_settings_entry> settings = {}, bool reads = true) {
    return std::make_unique<Http2Peer>(Http2Peer::Role::kClient, connect(), std::move(settings), reads);
  }
  // POST / of "a", whose body follows.
  static std::string begun_upload(uint32_t id) {
    return http2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, id,
                       "\x83\x84\x86\x01\x01"
                       "a");
  }
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
};

TEST_F(ServerSessionTest, ARequestIsTranslatedAndItsAnswerToo) {
  start();
  auto peer = client();
  const int32_t id = peer->request({{":method", "GET"},
                                    {":scheme", "http"},
                                    {":authority", "App.Example"},
                                    {":path", "/a/../b?q=1"},
                                    {"x-custom", "v"},
                                    {"cookie", "a=1"},
                                    {"cookie", "b=2"},
                                    {"te", "trailers"},
                                    {"x-forwarded-for", "6.6.6.6"}});
  auto backend = backend_.accept();
  EXPECT_EQ(without_line(backend.read_head(), "x-request-id"),
            "GET /b?q=1 HTTP/1.1\r\nhost: app.example\r\nx-custom: v\r\ncookie: a=1; b=2\r\nx-forwarded-for: "
            "127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: app.example\r\nx-forwarded-port: " +
                std::to_string(port_) + "\r\nconnection: te\r\nte: trailers\r\n\r\n");
  backend.send("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-Back: 1\r\nConnection: keep-alive\r\n\r\nok");
  ASSERT_TRUE(peer->await_end(id));
  auto& answer = peer->message(id);
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.field("x-back"), "1");
  EXPECT_EQ(answer.field("content-length"), "2");
  EXPECT_EQ(answer.field("connection"), "");
  EXPECT_EQ(answer.body, "ok");
}

TEST_F(ServerSessionTest, AChunkedBodyAndItsTrailersPassBothWays) {
  start();
  auto peer = client();
  const int32_t id = peer->post("/");
  peer->send_body(id, "abc", false);
  auto backend = backend_.accept();
  EXPECT_NE(backend.read_until("3\r\nabc\r\n").find("transfer-encoding: chunked\r\n"), std::string::npos);
  peer->send_body(id, "de", true, {{"x-sum", "1"}, {"content-length", "9"}});
  EXPECT_EQ(backend.read_until("\r\n\r\n"), "2\r\nde\r\n0\r\nx-sum: 1\r\n\r\n");
  backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nGrpc-Status: 0\r\n\r\n");
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).body, "hi");
  EXPECT_EQ(peer->message(id).trailers, (Fields{{"grpc-status", "0"}}));
}

TEST_F(ServerSessionTest, NothingThatAClientSaysOfItselfPassesBehindItsBody) {
  start();
  auto peer = client();
  const int32_t id = peer->post("/");
  peer->send_body(id, "hi", true,
                  {{"x-real-ip", "6.6.6.6"},
                   {"x-forwarded-for", "6.6.6.6"},
                   {"x-forwarded-client-cert", "c"},
                   {"grpc-status", "0"},
                   {"x-sum", "1"}});
  auto backend = backend_.accept();
  backend.read_head();
  const std::string body = backend.read_until("x-sum: 1\r\n\r\n");
  EXPECT_TRUE(body.ends_with("\r\n0\r\ngrpc-status: 0\r\nx-sum: 1\r\n\r\n")) << body;
}

TEST_F(ServerSessionTest, BodiesStreamInBothDirectionsAtOnce) {
  start();
  auto peer = client();
  const int32_t id = peer->post("/");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  for (int round = 0; round < 5; ++round) {
    peer->send_body(id, "ping", false);
    EXPECT_EQ(backend.read_until("ping\r\n"), "4\r\nping\r\n");
    backend.send("4\r\npong\r\n");
    ASSERT_TRUE(peer->await([&] { return peer->message(id).body.size() == 4u * (round + 1); }));
  }
  peer->send_body(id, "", true);
  EXPECT_EQ(backend.read_until("0\r\n\r\n"), "0\r\n\r\n");
  backend.send("0\r\n\r\n");
  EXPECT_TRUE(peer->await_end(id));
}

TEST_F(ServerSessionTest, AHundredStreamsShareAConnection) {
  start();
  auto peer = client();
  std::vector<int32_t> ids;
  for (int i = 0; i < 100; ++i) ids.push_back(peer->get("/" + std::to_string(i)));
  std::thread backends([&] {
    std::vector<SocketPeer> open;
    for (int i = 0; i < 100; ++i) {
      open.push_back(backend_.accept());
      const std::string head = open.back().read_head();
      const std::string path = head.substr(4, head.find(' ', 4) - 4);
      // Closed, lest a stream that comes late finds this one free and the backend waits for a hundredth.
      open.back().send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: " +
                       std::to_string(path.size()) + "\r\n\r\n" + path);
    }
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(peer->await_end(ids[i]));
    EXPECT_EQ(peer->message(ids[i]).body, "/" + std::to_string(i));
  }
  backends.join();
  EXPECT_TRUE(counts(1, "http2_connections_total"));
}

// It has not read yet how many may be open.
TEST_F(ServerSessionTest, AStreamTooManyIsRefusedAndTheOthersGoOn) {
  start();
  auto peer = client();
  std::vector<int32_t> ids;
  for (uint32_t i = 0; i < kStreamsMax; ++i) ids.push_back(peer->get("/"));
  const int32_t too_many = peer->get("/");
  ASSERT_TRUE(peer->await([&] { return peer->message(too_many).closed.has_value(); }));
  EXPECT_EQ(*peer->message(too_many).closed, uint32_t{NGHTTP2_REFUSED_STREAM});
  EXPECT_EQ(nghttp2_session_get_remote_settings(peer->library(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
            kStreamsMax);
  for (uint32_t i = 0; i < kStreamsMax; ++i) {
    auto backend = backend_.accept();
    backend.read_head();
    backend.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
  }
  for (const int32_t id : ids) {
    ASSERT_TRUE(peer->await_end(id));
    EXPECT_EQ(peer->message(id).body, "ok");
  }
  EXPECT_FALSE(peer->goaway());
  EXPECT_FALSE(backend_.has_waiting());
  EXPECT_TRUE(counts(kStreamsMax, "requests_total"));
}

TEST_F(ServerSessionTest, AStreamTooManyOfAClientThatKnowsBetterEndsTheConnection) {
  start();
  auto raw = connect();
  raw.send(testing_support::http2_preface());
  raw.read_exactly(9);  // of our SETTINGS, which it takes notice of
  std::string bytes = http2_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, "");
  for (uint32_t i = 0; i <= kStreamsMax; ++i) bytes += begun_upload(2 * i + 1);
  raw.send(bytes);
  EXPECT_NE(raw.read_all().find(std::string("\x07\0\0\0\0\0", 6)), std::string::npos);  // GOAWAY
  EXPECT_TRUE(counts(1, "http2_violations_total"));
  EXPECT_TRUE(counts(kStreamsMax, "requests_total"));
}

// Before it can know better: the one too many alone is refused.
TEST_F(ServerSessionTest, HowManyStreamsIsTheShardsToSay) {
  settings_.http2.streams_max = 2;
  start();
  auto raw = connect();
  std::string bytes = testing_support::http2_preface();
  for (uint32_t id = 1; id <= 5; id += 2) bytes += begun_upload(id);
  raw.send(bytes);
  const std::string refused = http2_frame(NGHTTP2_RST_STREAM, 0, 5, std::string("\0\0\0\x07", 4));
  EXPECT_TRUE(raw.read_until(refused).ends_with(refused));
  EXPECT_TRUE(counts(1, "http2_streams_refused_total"));
  EXPECT_TRUE(counts(2, "requests_total"));
  auto peer = client();
  EXPECT_TRUE(peer->await([&] {
    return nghttp2_session_get_remote_settings(peer->library(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS) == 2;
  }));
}

TEST_F(ServerSessionTest, OurOwnAnswersLeaveTheConnectionOpen) {
  start();
  auto peer = client();
  for (int i = 0; i < 3; ++i) {
    const int32_t id = peer->get("/", "nobody");
    ASSERT_TRUE(peer->await_end(id));
    EXPECT_EQ(peer->message(id).status(), "404");
    EXPECT_NE(peer->message(id).body.find("no_rule"), std::string::npos);
  }
  EXPECT_FALSE(peer->goaway());
}

TEST_F(ServerSessionTest, HeadAndStatusesWithoutABodyEndWithTheirHead) {
  start();
  auto peer = client();
  const int32_t id =
      peer->request({{":method", "HEAD"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}});
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).field("content-length"), "1000");
  const int32_t next = peer->get("/");
  backend.read_head();
  backend.send("HTTP/1.1 204 No Content\r\n\r\n");
  ASSERT_TRUE(peer->await_end(next));
  EXPECT_EQ(peer->message(next).status(), "204");
}

TEST_F(ServerSessionTest, ExpectAndInterimResponsesPass) {
  start();
  auto peer = client();
  const int32_t id = peer->post("/", {{"expect", "100-continue"}, {"content-length", "4"}});
  auto backend = backend_.accept();
  EXPECT_NE(backend.read_head().find("\r\nexpect: 100-continue\r\n"), std::string::npos);
  backend.send("HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(peer->await([&] { return peer->message(id).status() == "100"; }));
  peer->send_body(id, "data");
  EXPECT_EQ(backend.read_exactly(4), "data");
  backend.send(std::string("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n") + kOk);
  ASSERT_TRUE(peer->await_end(id));
  ASSERT_EQ(peer->message(id).heads.size(), 3u);
  EXPECT_EQ(peer->message(id).status(), "200");
}

TEST_F(ServerSessionTest, AnEarlyResponseEndsTheUploadWithoutAnError) {
  start();
  auto peer = client();
  const int32_t id = peer->post("/");
  peer->send_body(id, "first", false);
  auto backend = backend_.accept();
  backend.read_until("first");
  backend.send("HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno");
  ASSERT_TRUE(peer->await([&] { return peer->message(id).closed.has_value(); }));
  EXPECT_EQ(peer->message(id).status(), "401");
  EXPECT_EQ(peer->message(id).body, "no");
  EXPECT_EQ(*peer->message(id).closed, uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_FALSE(peer->goaway());
}

TEST_F(ServerSessionTest, WhatIsMalformedIsAnErrorOfItsStreamAlone) {
  start();
  auto peer = client();
  const Fields cases[]{
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"connection", "close"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"a", "b\r\nc: d"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}, {":path", "/"}, {"host", "b"}},
      {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}},
  };
  for (const auto& fields : cases) {
    const int32_t id = peer->request(fields);
    ASSERT_TRUE(peer->await_end(id));
    EXPECT_EQ(peer->message(id).closed.value_or(0), uint32_t{NGHTTP2_PROTOCOL_ERROR});
    EXPECT_TRUE(peer->message(id).heads.empty());
  }
  EXPECT_FALSE(backend_.has_waiting());
  const int32_t id = peer->get("/", "nobody");
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "404");
  EXPECT_TRUE(counts(4, "exchanges_total", "malformed"));
}

TEST_F(ServerSessionTest, ABodyOfAnotherLengthThanItSaysIsMalformed) {
  start();
  auto peer = client();
  for (const char* body : {"abc", "abcdefgh"}) {
    const int32_t id = peer->post("/", {{"content-length", "5"}});
    peer->send_body(id, body);
    ASSERT_TRUE(peer->await_end(id));
    EXPECT_EQ(peer->message(id).closed.value_or(0), uint32_t{NGHTTP2_PROTOCOL_ERROR});
  }
}

TEST_F(ServerSessionTest, LimitsAnswerByTheirStatus) {
  settings_.target_bytes_max = 100;
  settings_.header_bytes_max = 1000;
  settings_.body_bytes_max = 10;
  start();
  auto peer = client();
  int32_t id = peer->get("/" + std::string(100, 'a'));
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "414");
  id = peer->request({{":method", "GET"},
                      {":scheme", "http"},
                      {":authority", "a"},
                      {":path", "/"},
                      {"x", std::string(1000, 'x')}});
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "431");
  id = peer->post("/", {{"content-length", "11"}});
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "413");
}

TEST_F(ServerSessionTest, AResetStreamTakesItsExchangeAlong) {
  start();
  auto peer = client();
  const int32_t id = peer->get("/");
  auto backend = backend_.accept();
  backend.read_head();
  peer->reset(id);
  EXPECT_TRUE(backend.at_end());
  const int32_t next = peer->get("/", "nobody");
  EXPECT_TRUE(peer->await_end(next));
  EXPECT_TRUE(counts(1, "exchanges_total", "client_gone"));
}

TEST_F(ServerSessionTest, ALostConnectionTakesAllItsExchangesAlong) {
  start();
  auto peer = client();
  for (int i = 0; i < 5; ++i) peer->get("/");
  std::vector<SocketPeer> backends;
  for (int i = 0; i < 5; ++i) backends.push_back(backend_.accept());
  peer->socket().reset();
  for (auto& backend : backends) {
    backend.read_head();
    EXPECT_TRUE(backend.at_end());
  }
  EXPECT_TRUE(counts(5, "exchanges_total", "client_gone"));
}

TEST_F(ServerSessionTest, ATruncatedResponseIsNeverMadeWhole) {
  start();
  auto peer = client();
  const int32_t id = peer->get("/");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
  backend.close();
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_FALSE(peer->message(id).ended);
  EXPECT_EQ(peer->message(id).closed.value_or(0), uint32_t{NGHTTP2_INTERNAL_ERROR});
}

// A proxy in front of us sends the requests of many by one connection: no backend's failures may end it.
TEST_F(ServerSessionTest, BackendsThatFailTakeNoNeighbourAlong) {
  settings_.response_timeout = 600'000ms;  // of the neighbour, on a slow machine
  start();
  auto peer = client();
  const int32_t neighbour = peer->get("/neighbour");
  auto slow = backend_.accept();
  slow.read_head();
  for (uint32_t failed = 0; failed < 2 * kResetsAtOnce; ++failed) {
    const int32_t id = peer->get("/");
    auto backend = backend_.accept();
    backend.read_head();
    backend.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
    backend.close();
    ASSERT_TRUE(peer->await_end(id));
    ASSERT_TRUE(peer->message(id).closed.has_value()) << failed;
  }
  slow.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  ASSERT_TRUE(peer->await_end(neighbour));
  EXPECT_EQ(peer->message(neighbour).body, "ok");
  EXPECT_FALSE(peer->goaway());
  EXPECT_EQ(count("http2_reset_floods_total"), 0u);
}

// The backend's bytes wait in the kernel's buffers and the backend, not in ours.
TEST_F(ServerSessionTest, AStalledReaderHoldsUpItsStreamAlone) {
  start();
  auto peer = client({}, false);  // opens no window: 64 KiB and no more
  const int32_t stalled = peer->get("/big");
  auto backend = backend_.accept();
  backend.read_head();
  constexpr std::size_t kBody = 100u << 20;
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kBody) + "\r\n\r\n");
  const std::string piece(1u << 20, 'x');
  std::size_t sent = 0;
  for (int idle = 0; idle < 50;) {
    const std::size_t now = backend.send_some(piece);
    sent += now;
    idle = now == 0 ? idle + 1 : 0;
    if (now == 0) peer->read_some(2);
  }
  EXPECT_LT(sent, testing_support::socket_buffers_max() + (4u << 20));
  EXPECT_LE(peer->message(stalled).body.size(), 65535u);
  const int32_t id = peer->get("/", "nobody");
  ASSERT_TRUE(peer->await([&] { return !peer->message(id).heads.empty(); }));
  EXPECT_EQ(peer->message(id).status(), "404");
}

// The end of its stream, which follows at once, must not overtake it.
TEST_F(ServerSessionTest, AnEarlyAnswerIsSentThoughTheSocketTakesNothing) {
  start();
  constexpr std::size_t kBody = 64u << 20;
  auto peer = client({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kBody}});
  nghttp2_session_set_local_window_size(peer->library(), NGHTTP2_FLAG_NONE, 0, kBody);
  peer->get("/big");
  auto big = backend_.accept();
  big.read_head();
  big.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(kBody) + "\r\n\r\n");
  const std::string piece(1u << 20, 'x');
  pollfd writable{big.fd(), POLLOUT, 0};
  for (std::size_t sent = 0; sent < kBody && ::poll(&writable, 1, 200) == 1;)
    sent += big.send_some(std::string_view(piece).substr(0, kBody - sent));

  const int32_t id = peer->post("/early", {});
  peer->flush();
  auto early = backend_.accept();
  early.read_head();
  early.send("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_FALSE(early.readable_within(50));  // it is read, and the client's socket is full
  ASSERT_TRUE(peer->await([&] { return peer->message(id).closed.has_value(); }));
  EXPECT_EQ(peer->message(id).status(), "204");
  EXPECT_EQ(peer->message(id).closed, uint32_t{NGHTTP2_NO_ERROR});
}

// It reads nothing at all, for a response of more than all buffers on the way hold.
TEST_F(ServerSessionTest, AConnectionThatTakesNoBytesHasADeadline) {
  settings_.body_timeout = 60ms;
  start();
  constexpr int32_t kWindow = 1 << 30;
  auto peer = client({{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow}});
  nghttp2_session_set_local_window_size(peer->library(), NGHTTP2_FLAG_NONE, 0, kWindow);
  peer->get("/");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
  const std::string piece(1u << 20, 'x');
  await([&] {
    backend.send_some(piece);
    return count("http2_write_timeouts_total") == 1;
  });
}

TEST_F(ServerSessionTest, AStreamBehindAClosedWindowHasADeadline) {
  settings_.body_timeout = 60ms;
  start();
  auto peer = client({}, false);
  const int32_t id = peer->get("/");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + std::string(200'000, 'x'));
  ASSERT_TRUE(peer->await([&] { return peer->message(id).closed.has_value(); }));
  EXPECT_TRUE(counts(1, "exchanges_total", "body_timeout"));
}

TEST_F(ServerSessionTest, AStreamWhoseWindowOpensByteByByteHasADeadline) {
  settings_.body_timeout = 60ms;
  settings_.body_rate_min = 1'000'000'000;
  start();
  auto peer = client({}, false);
  const int32_t id = peer->get("/");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 200000\r\n\r\n" + std::string(200'000, 'x'));
  auto& message = peer->message(id);
  for (std::size_t room = 65535; room < 200'000 && !message.closed; ++room) {
    ASSERT_TRUE(peer->await([&] { return message.body.size() == room || message.closed; }));
    for (const int32_t whose : {0, id}) nghttp2_submit_window_update(peer->library(), 0, whose, 1);
    peer->flush();
  }
  EXPECT_TRUE(message.closed);
  EXPECT_TRUE(counts(1, "exchanges_total", "body_timeout"));
}

// Each time a little, so that a piece takes far longer than the client may be silent.
TEST_F(ServerSessionTest, AStreamWhoseWindowOpensSteadilyIsSentWhole) {
  settings_.body_timeout = 500ms;
  settings_.body_rate_min = 0;
  start();
  auto peer = client({}, false);
  const int32_t id = peer->get("/");
  auto backend = backend_.accept();
  backend.read_head();
  constexpr std::size_t kFirst = 65535;
  constexpr std::size_t kSteps = 40;
  const std::size_t length = kFirst + kSteps;
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(length) + "\r\n\r\n" +
               std::string(length, 'x'));
  auto& message = peer->message(id);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  for (std::size_t room = kFirst; room < length && !message.closed; ++room) {
    ASSERT_TRUE(peer->await([&] { return message.body.size() == room || message.closed; }));
    // Nothing comes for a part of the time that it may take.
    EXPECT_FALSE(peer->read_some(30) && message.body.size() > room);
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    for (const int32_t whose : {0, id}) nghttp2_submit_window_update(peer->library(), 0, whose, 1);
    peer->flush();
  }
  EXPECT_TRUE(peer->await_end(id));
  EXPECT_EQ(message.body.size(), length);
}

// Two streams in step, of which the call of gRPC may take its time.
TEST_F(ServerSessionTest, ACallOfGrpcStreamsAtItsOwnPace) {
  settings_.body_timeout = 1'000ms;
  settings_.body_rate_min = 1'000'000'000;
  start();
  auto peer = client();
  const int32_t call = peer->post("/", {{"content-type", "application/grpc+proto"}, {"te", "trailers"}});
  auto call_backend = backend_.accept();
  call_backend.read_head();
  const int32_t plain = peer->post("/", {{"content-type", "application/grpc-web"}});
  auto plain_backend = backend_.accept();
  plain_backend.read_head();
  while (peer->message(plain).heads.empty() && !peer->gone()) {
    peer->send_body(plain, "x", false);
    peer->send_body(call, "x", false);
    ASSERT_EQ(call_backend.read_until("x\r\n"), "1\r\nx\r\n");
    plain_backend.read_until("x\r\n");
    peer->read_some(0);
  }
  EXPECT_EQ(peer->message(plain).status(), "408");
  peer->send_body(call, "x", false);
  EXPECT_EQ(call_backend.read_until("x\r\n"), "1\r\nx\r\n");
}

TEST_F(ServerSessionTest, ALargeUploadFollowsTheBackend) {
  start();
  auto peer = client();
  const int32_t id = peer->post("/");
  const std::string body(5u << 20, 'u');
  std::string got;
  std::thread backend_thread([&] {
    auto backend = backend_.accept();
    backend.read_head();
    got = backend.read_until("0\r\n\r\n");
    backend.send(kOk);
  });
  peer->send_body(id, body);
  EXPECT_TRUE(peer->await_end(id));
  backend_thread.join();
  EXPECT_EQ(peer->message(id).body, "ok");
  EXPECT_EQ(std::count(got.begin(), got.end(), 'u'), static_cast<long>(body.size()));
}

TEST_F(ServerSessionTest, ADrainLosesNoRequest) {
  start();
  auto peer = client();
  const int32_t id = peer->get("/");
  auto backend = backend_.accept();
  backend.read_head();
  shard_->drain();
  ASSERT_TRUE(peer->await([&] { return peer->goaways() == 2; }));
  EXPECT_EQ(peer->goaway().value_or(1), uint32_t{NGHTTP2_NO_ERROR});
  backend.send(kOk);
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).body, "ok");
  EXPECT_TRUE(peer->await_close());
}

TEST_F(ServerSessionTest, AnIdleConnectionIsClosedByAGoaway) {
  settings_.idle_timeout = 60ms;
  start();
  auto peer = client();
  EXPECT_TRUE(peer->await_close());
  EXPECT_EQ(peer->goaway().value_or(1), uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_TRUE(counts(1, "idle_timeouts_total"));
}

TEST_F(ServerSessionTest, NothingTurnsWhileAConnectionIsIdleOrWaits) {
  start();
  auto peer = client();
  const int32_t id = peer->get("/", "nobody");
  ASSERT_TRUE(peer->await_end(id));
  await_rest();
  const int32_t waiting = peer->get("/");
  auto backend = backend_.accept();
  backend.read_head();
  await_rest();
  backend.send(kOk);
  EXPECT_TRUE(peer->await_end(waiting));
}

TEST_F(ServerSessionTest, ThePrefaceMayComeByteForByte) {
  start();
  auto raw = connect();
  for (const char c : std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")) raw.send({&c, 1});
  EXPECT_EQ(raw.read_exactly(9).substr(3, 2), std::string("\x04\x00", 2));  // our SETTINGS
}

}  // namespace
}  // namespace headgate::shard::http2
