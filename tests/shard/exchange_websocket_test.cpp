// SPDX-License-Identifier: Apache-2.0
// WebSockets over HTTP/2 (RFC 8441) to a backend that speaks HTTP/1.1: what each of them sees. Over HTTP/1.1:
// exchange_test.cpp; to a backend that speaks HTTP/2: http2/upstream_websocket_test.cpp.
#include <fstream>

#include "dataplane/shard/websocket_key.hpp"
#include "tests/shard/tls_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using testing_support::Fields;
using testing_support::http2_frame;
using testing_support::http2_preface;
using testing_support::Http2Peer;

class WebsocketTest : public TlsFixture {
 protected:
  std::unique_ptr<Http2Peer> client(bool reads = true) {
    return std::make_unique<Http2Peer>(Http2Peer::Role::kClient, connect(),
                                       std::vector<nghttp2_settings_entry>{}, reads);
  }
  static Fields connect_fields(const std::string& protocol = "websocket", const Fields& more = {}) {
    Fields fields{{":method", "CONNECT"},
                  {":protocol", protocol},
                  {":scheme", "http"},
                  {":authority", "App.Example"},
                  {":path", "/a/../chat?room=1"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return fields;
  }
  static std::string value_of(const std::string& head, const std::string& name) {
    const auto begin = head.find(name + ": ");
    if (begin == std::string::npos) return {};
    return head.substr(begin + name.size() + 2, head.find("\r\n", begin) - begin - name.size() - 2);
  }
  static std::string agreement(const std::string& request_head) {
    Arena arena;
    return "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
           "Sec-WebSocket-Accept: " +
           std::string(websocket_proof(value_of(request_head, "sec-websocket-key"), arena)) +
           "\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
  }
  // A WebSocket that is open.
  struct Open {
    std::unique_ptr<Http2Peer> peer;
    int32_t id = 0;
    SocketPeer backend;
    testing_support::Http2Message& message() { return peer->message(id); }
  };
  Open open(bool reads = true) {
    Open open{client(reads), 0, {}};
    open.id = open.peer->request(connect_fields(), false);
    open.backend = backend_.accept();
    open.backend.send(agreement(open.backend.read_head()));
    EXPECT_TRUE(open.peer->await([&] { return !open.message().heads.empty(); }));
    EXPECT_EQ(open.message().status(), "200");
    return open;
  }
  std::string log_line() {
    std::string line;
    await([&] { return static_cast<bool>(std::getline(std::ifstream(log_path_), line)); });
    return line;
  }
};

TEST_F(WebsocketTest, IsOfferedByTheSettings) {
  start();
  auto peer = client();
  const int32_t id = peer->get("/", "nobody");
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(nghttp2_session_get_remote_settings(peer->library(), NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL),
            1u);
}

TEST_F(WebsocketTest, IsAnUpgradeToTheBackendAndATunnelOnceItAgrees) {
  start();
  auto peer = client();
  const int32_t id = peer->request(
      connect_fields("WebSocket", {{"sec-websocket-version", "13"}, {"sec-websocket-key", "forged"}}), false);
  auto backend = backend_.accept();
  const std::string head = backend.read_head();
  const std::string key = value_of(head, "sec-websocket-key");
  EXPECT_EQ(key.size(), 24u);
  EXPECT_EQ(without_line(without_line(head, "x-request-id"), "sec-websocket-key"),
            "GET /chat?room=1 HTTP/1.1\r\nhost: app.example\r\nsec-websocket-version: 13\r\n"
            "x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: app.example\r\n"
            "x-forwarded-port: " +
                std::to_string(port_) + "\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  peer->send_body(id, "EARLY", false);
  EXPECT_FALSE(backend.readable_within(20));  // waits for the 101
  backend.send(agreement(head) + "hello");
  ASSERT_TRUE(peer->await([&] { return peer->message(id).body == "hello"; }));
  auto& answer = peer->message(id);
  EXPECT_EQ(answer.status(), "200");
  EXPECT_EQ(answer.field("sec-websocket-protocol"), "chat");
  for (const auto* absent : {"sec-websocket-accept", "content-length", "upgrade", "connection"})
    EXPECT_EQ(answer.field(absent), "") << absent;
  EXPECT_EQ(backend.read_exactly(5), "EARLY");
  for (int round = 0; round < 3; ++round) {
    peer->send_body(id, "ping", false);
    EXPECT_EQ(backend.read_exactly(4), "ping");
    backend.send("pong");
    ASSERT_TRUE(peer->await([&] { return answer.body.size() == 5u + 4u * (round + 1); }));
  }
  EXPECT_FALSE(answer.ended);
  peer->send_body(id, "", true);
  EXPECT_TRUE(backend.at_end());
  backend.close();
  ASSERT_TRUE(peer->await([&] { return answer.closed.has_value(); }));
  EXPECT_TRUE(answer.ended);
  EXPECT_EQ(answer.closed, uint32_t{NGHTTP2_NO_ERROR});
  const auto line = log_line();
  for (const auto* part : {R"("method":"GET")", R"("path":"/chat")", R"("status":200)", R"("tunnelled")"})
    EXPECT_NE(line.find(part), std::string::npos) << part << " in " << line;
}

TEST_F(WebsocketTest, WhatTheClientSaysBesideItsEndComesAheadOfIt) {
  start();
  auto socket = open();
  socket.peer->send_body(socket.id, "last words", true);
  EXPECT_EQ(socket.backend.read_all(), "last words");
  socket.backend.send("and an answer");  // the other half is open
  ASSERT_TRUE(socket.peer->await([&] { return socket.message().body == "and an answer"; }));
  EXPECT_FALSE(socket.message().ended);
  socket.backend.close();
  EXPECT_TRUE(socket.peer->await_end(socket.id));
}

TEST_F(WebsocketTest, TheBackendsEndLeavesTheClientsHalfOpen) {
  start();
  auto socket = open();
  socket.backend.send("bye");
  socket.backend.shutdown_write();
  ASSERT_TRUE(socket.peer->await([&] { return socket.message().ended; }));
  EXPECT_EQ(socket.message().body, "bye");
  EXPECT_FALSE(socket.message().closed);
  socket.peer->send_body(socket.id, "so long", true);
  EXPECT_EQ(socket.backend.read_all(), "so long");
  ASSERT_TRUE(socket.peer->await([&] { return socket.message().closed.has_value(); }));
  EXPECT_EQ(socket.message().closed, uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_TRUE(counts(1, "exchanges_total", "tunnelled"));
}

TEST_F(WebsocketTest, AClientThatSaysNoMoreAfterTheBackendsEndIsNotWaitedForLong) {
  start();
  auto socket = open();
  socket.backend.close();
  ASSERT_TRUE(socket.peer->await([&] { return socket.message().closed.has_value(); }));
  EXPECT_TRUE(socket.message().ended);
  EXPECT_EQ(socket.message().closed, uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_TRUE(counts(1, "exchanges_total", "tunnelled"));
}

TEST_F(WebsocketTest, AResetOfEitherSideReachesTheOther) {
  start();
  auto socket = open();
  socket.backend.reset();
  ASSERT_TRUE(socket.peer->await([&] { return socket.message().closed.has_value(); }));
  EXPECT_FALSE(socket.message().ended);
  EXPECT_EQ(socket.message().closed, uint32_t{NGHTTP2_CANCEL});
  auto other = open();
  other.peer->reset(other.id);
  EXPECT_TRUE(other.backend.at_end());
  EXPECT_TRUE(counts(1, "exchanges_total", "client_gone"));
}

TEST_F(WebsocketTest, AnIdleOneIsReset) {
  response_idle_timeout_ = 50ms;
  start();
  auto socket = open();
  ASSERT_TRUE(socket.peer->await([&] { return socket.message().closed.has_value(); }));
  EXPECT_EQ(socket.message().closed, uint32_t{NGHTTP2_CANCEL});
  EXPECT_TRUE(socket.backend.at_end());
}

TEST_F(WebsocketTest, AClientThatReadsNothingHoldsUpItsBackend) {
  settings_.body_timeout = 60'000ms;
  start();
  auto socket = open(false);  // opens no window: 64 KiB and no more
  const std::string piece(1u << 20, 'x');
  std::size_t sent = 0;
  for (int idle = 0; idle < 50;) {
    const std::size_t now = socket.backend.send_some(piece);
    sent += now;
    idle = now == 0 ? idle + 1 : 0;
    if (now == 0) socket.peer->read_some(2);
  }
  EXPECT_LT(sent, testing_support::socket_buffers_max() + (4u << 20));
  EXPECT_LE(socket.message().body.size(), 65535u);
}

TEST_F(WebsocketTest, ABackendThatReadsNothingHoldsUpItsClient) {
  start();
  auto socket = open();
  socket.peer->send_body(socket.id, std::string(32u << 20, 'x'), false);
  for (int idle = 0; idle < 50;) idle = socket.peer->read_some(2) ? 0 : idle + 1;
  EXPECT_FALSE(socket.peer->sent_whole(socket.id));
  std::string got;
  std::thread reader([&] { got = socket.backend.read_exactly(32u << 20); });
  EXPECT_TRUE(socket.peer->await([&] { return socket.peer->sent_whole(socket.id); }));
  socket.peer->flush();
  reader.join();
  EXPECT_EQ(got.size(), 32u << 20);
}

TEST_F(WebsocketTest, OnlyDataMayFollow) {  // RFC 9113 section 8.5
  start();
  auto socket = open();
  socket.peer->send_body(socket.id, "", true, {{"x-trailer", "1"}});
  ASSERT_TRUE(socket.peer->await([&] { return socket.message().closed.has_value(); }));
  EXPECT_EQ(socket.message().closed, uint32_t{NGHTTP2_PROTOCOL_ERROR});
}

TEST_F(WebsocketTest, ARefusalPassesAndA2xxThatIsNoneDoesNot) {
  start();
  struct Case {
    const char* answer;
    const char* status;
  };
  const Case cases[]{
      {"HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno", "403"},
      {"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "502"},
      {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
       "502"},
      {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", "502"},
  };
  auto peer = client();
  for (const auto& [answer, status] : cases) {
    const int32_t id = peer->request(connect_fields(), false);
    auto backend = backend_.accept();
    backend.read_head();
    backend.send(answer);
    backend.shutdown_write();
    ASSERT_TRUE(peer->await([&] { return peer->message(id).ended; })) << answer;
    EXPECT_EQ(peer->message(id).status(), status) << answer;
  }
  EXPECT_FALSE(peer->goaway());
}

// A page of maintenance, say.
TEST_F(WebsocketTest, ADirectResponseOpensNone) {
  contract::Filters filters;
  filters.direct_response = contract::DirectResponse{200, "later", {}};
  rule_filters_ = contract::Boxed<contract::Filters>(filters);
  start();
  auto peer = client();
  const int32_t id = peer->request(connect_fields(), false);
  ASSERT_TRUE(peer->await_end(id));
  EXPECT_EQ(peer->message(id).status(), "502");
  EXPECT_NE(peer->message(id).body.find("websocket_refused"), std::string::npos);
  const int32_t get = peer->get("/", "app.example");
  ASSERT_TRUE(peer->await_end(get));
  EXPECT_EQ(peer->message(get).status(), "200");
  EXPECT_EQ(peer->message(get).body, "later");
  EXPECT_FALSE(peer->goaway());
  EXPECT_TRUE(counts(2, "exchanges_total", "filtered"));
  EXPECT_NE(log_line().find(R"("detail":"direct_response")"), std::string::npos);
}

TEST_F(WebsocketTest, WhatIsNoWebsocketIsRefusedAsTheRfcSays) {
  start();
  auto peer = client();
  const int32_t other = peer->request(connect_fields("connect-udp"), false);
  ASSERT_TRUE(peer->await_end(other));
  EXPECT_EQ(peer->message(other).status(), "501");
  const int32_t get = peer->request({{":method", "GET"},
                                     {":protocol", "websocket"},
                                     {":scheme", "http"},
                                     {":authority", "a"},
                                     {":path", "/"}});
  ASSERT_TRUE(peer->await_end(get));
  EXPECT_EQ(peer->message(get).closed, uint32_t{NGHTTP2_PROTOCOL_ERROR});
  const int32_t unrouted = peer->request({{":method", "CONNECT"},
                                          {":protocol", "websocket"},
                                          {":scheme", "http"},
                                          {":authority", "nobody"},
                                          {":path", "/"}},
                                         false);
  ASSERT_TRUE(peer->await_end(unrouted));
  EXPECT_EQ(peer->message(unrouted).status(), "404");
  EXPECT_FALSE(peer->goaway());
}

TEST_F(WebsocketTest, WorksBehindHttps) {
  start_tls({issue("app", "DNS:app.example")});
  auto secure = peer(TlsPeerOptions{.server_name = "app.example", .alpn = std::string("\x02h2")});
  ASSERT_TRUE(secure.handshake()) << secure.why_not();
  std::string block;  // HPACK literals without index (RFC 7541 section 6.2.2)
  for (auto [name, value] : connect_fields()) {
    if (name == ":scheme") value = "https";
    block += std::string(1, '\0') + static_cast<char>(name.size()) + name + static_cast<char>(value.size()) +
             value;
  }
  secure.send(http2_preface() + http2_frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, block));
  auto backend = backend_.accept();
  const std::string head = backend.read_head();
  EXPECT_EQ(value_of(head, "x-forwarded-proto"), "https");
  backend.send(agreement(head) + "hello");
  EXPECT_NE(secure.read_until("hello"), "");
  secure.send(http2_frame(NGHTTP2_DATA, 0, 1, "ping"));
  EXPECT_EQ(backend.read_exactly(4), "ping");
}

}  // namespace
}  // namespace headgate::shard
