// SPDX-License-Identifier: Apache-2.0
// What happens around exchanges: changes under traffic, drain, backpressure, limits of connections, the log.
#include "dataplane/shard/shard_process.hpp"

#include "tests/shard/log_lines.hpp"
#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

class ShardProcessTest : public ShardFixture {
 protected:
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  // What the kernel keeps of a blocked way through the shard, and some pieces in the shard itself.
  const std::size_t blocked_way_max_ = 2 * testing_support::socket_buffers_max() + (4u << 20);

  std::vector<std::string> log_lines() { return lines_of(log_path_); }
};

TEST_F(ShardProcessTest, AnExchangeOutlivesItsRoute) {
  start();
  auto client = connect();
  client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  contract::Delta removal{.base = revision_, .revision = revision_ + 1, .upserts = {}, .removals = {}};
  removal.removals = {{kAudience, contract::Kind::kRoute, "r1"}, {kAudience, contract::Kind::kPool, "p1"}};
  ++revision_;
  apply(removal);
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_until("no_rule\n").substr(9, 3), "404");
}

// It may have gone to another shard: whoever is still here is told to ask again, by another connection.
TEST_F(ShardProcessTest, AListenerThatGoesFinishesWhatRunsAndSendsItsClientsAway) {
  start();
  auto idle = connect();
  idle.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  idle.read_until("no_rule\n");
  auto late = connect();
  late.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  late.read_until("no_rule\n");
  testing_support::Http2Peer multiplexed(testing_support::Http2Peer::Role::kClient, connect());
  const int32_t before = multiplexed.get("/", "nobody");
  ASSERT_TRUE(multiplexed.await_end(before));
  auto busy = connect();
  busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();

  contract::Delta removal{.base = revision_, .revision = revision_ + 1, .upserts = {}, .removals = {}};
  removal.removals = {{kAudience, contract::Kind::kListener, "l1"}};
  ++revision_;
  apply(removal);
  late.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(late.read_until("listener_gone\n").substr(9, 3), "421");
  ASSERT_TRUE(shard_->set_sockets({}, {}).ok());
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(late.at_end());
  EXPECT_TRUE(multiplexed.await_close());
  EXPECT_EQ(multiplexed.goaway(), uint32_t{NGHTTP2_NO_ERROR});
  backend.send(kOk);
  const std::string answer = busy.read_all();
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("ok"));
  EXPECT_TRUE(counts(1, "not_routed_total", "listener_gone"));
}

TEST_F(ShardProcessTest, ADeltaFromElsewhereIsRefusedWhole) {
  start();
  const contract::Delta stranger{.base = 77, .revision = 78, .upserts = {}, .removals = {}};
  EXPECT_EQ(shard_->apply(stranger).error().code, ErrorCode::kConflict);
  EXPECT_EQ(shard_->revision(), revision_);
}

TEST_F(ShardProcessTest, ADrainFinishesWhatRunsAndTakesNothingNew) {
  start();
  auto idle = connect();
  idle.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  idle.read_until("no_rule\n");
  auto busy = connect();
  busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  auto late = connect();
  late.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  late.read_until("no_rule\n");
  shard_->drain();
  // A request may have been on its way before the client could know; those before the drain was seen go on.
  std::string told;
  do {
    late.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
    told = late.read_until("no_rule\n");
  } while (!told.empty() && told.find("connection: close\r\n") == std::string::npos);
  EXPECT_NE(told.find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(idle.at_end());
  EXPECT_FALSE(shard_->drained());
  backend.send(kOk);
  const std::string answer = busy.read_all();
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("ok"));
  await([this] { return shard_->drained(); });
}

TEST_F(ShardProcessTest, AClientThatDoesNotReadHoldsUpItsBackendOnly) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  const std::size_t body_bytes = 2 * blocked_way_max_;
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body_bytes) + "\r\n\r\n");
  const std::string piece(1u << 20, 'x');
  std::size_t sent_bytes = 0;
  pollfd writable{backend.fd(), POLLOUT, 0};
  while (sent_bytes < body_bytes && ::poll(&writable, 1, 200) == 1)
    sent_bytes += backend.send_some(std::string_view(piece).substr(0, body_bytes - sent_bytes));
  EXPECT_LT(sent_bytes, blocked_way_max_);

  auto other = connect();
  other.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  EXPECT_EQ(other.read_until("no_rule\n").substr(9, 3), "404");

  std::thread rest([&] {
    for (; sent_bytes < body_bytes; sent_bytes += std::min(piece.size(), body_bytes - sent_bytes))
      backend.send(std::string_view(piece).substr(0, body_bytes - sent_bytes));
  });
  client.read_head();
  EXPECT_EQ(client.read_exactly(body_bytes).size(), body_bytes);
  rest.join();
}

TEST_F(ShardProcessTest, ABackendThatDoesNotReadHoldsUpItsClientOnly) {
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  const std::string chunk = "100000\r\n" + std::string(1u << 20, 'x') + "\r\n";
  std::size_t sent_bytes = 0;
  pollfd writable{client.fd(), POLLOUT, 0};
  while (sent_bytes < 2 * blocked_way_max_ && ::poll(&writable, 1, 200) == 1) {
    const std::size_t offset = sent_bytes % chunk.size();
    sent_bytes += client.send_some(std::string_view(chunk).substr(offset));
  }
  EXPECT_LT(sent_bytes, blocked_way_max_);
  client.reset();
  backend.reset();
}

TEST_F(ShardProcessTest, OneClientTooManyIsTurnedAway) {
  clients_max_ = 2;
  start();
  auto first = connect();
  first.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  first.read_until("no_rule\n");
  auto second = connect();
  second.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  second.read_until("no_rule\n");
  auto third = connect();
  EXPECT_EQ(third.read_all().substr(9, 3), "503");
  first.close();
  EXPECT_TRUE(counts(1, "connections_closed_total"));
  auto fourth = connect();
  fourth.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  EXPECT_EQ(fourth.read_until("no_rule\n").substr(9, 3), "404");
}

TEST_F(ShardProcessTest, TheClientsAddressComesFromATrustedProxyOnly) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_NE(backend.read_head().find("x-forwarded-for: 203.0.113.7"), std::string::npos);
  backend.send(kOk);
  client.read_until("ok");
}

TEST_F(ShardProcessTest, AnEscapedSlashIsTheListenersDecision) {
  start();
  auto client = connect();
  client.send("GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_all().substr(9, 3), "400");
  client = connect();
  contract::Listener listener = web_listener();
  listener.escaped_slash = contract::EscapedSlash::kKeep;
  auto change = delta({listener});
  change.base = change.revision - 1;
  apply(change);
  client.send("GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_TRUE(backend.read_head().starts_with("GET /a%2Fb "));
  backend.send(kOk);
  client.read_until("ok");
}

TEST_F(ShardProcessTest, EveryExchangeIsOneLineOfTheLog) {
  start();
  auto client = connect();
  client.send("GET /a\"b?q=%22 HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(kOk);
  client.read_until("ok");
  client.send("GET / HTTP/1.1\r\n\r\n");
  client.read_all();
  stop();
  const auto lines = log_lines();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find(R"("path":"/a\"b")"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(R"("status":200)"), std::string::npos);
  EXPECT_NE(lines[0].find(R"("ending":"completed")"), std::string::npos);
  EXPECT_NE(lines[1].find(R"("ending":"malformed","detail":"no_host")"), std::string::npos) << lines[1];
}

TEST_F(ShardProcessTest, SocketsMustMatchTheirFds) {
  start();
  const auto at = Endpoint{*IpAddress::parse("127.0.0.1"), port_};
  EXPECT_EQ(shard_->set_sockets({{contract::Socket{at, at, 0}}}, {}).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(shard_->sockets().sockets.size(), 1u);
}

TEST_F(ShardProcessTest, ASocketThatIsTakenAwayServesItsQueueFirst) {
  start();
  auto client = connect();
  ASSERT_TRUE(shard_->set_sockets({}, {}).ok());
  client.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  EXPECT_EQ(client.read_until("no_rule\n").substr(9, 3), "404");
}

}  // namespace
}  // namespace headgate::shard
