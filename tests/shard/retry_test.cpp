// SPDX-License-Identifier: Apache-2.0
// Exchange: which tries are made again, and where.
#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

class RetryTest : public ShardFixture {
 protected:
  // Leaves one idle upstream connection in the pool and returns the backend's end of it.
  SocketPeer warm_up(SocketPeer& client) {
    client.send("GET /warm HTTP/1.1\r\nHost: a\r\n\r\n");
    auto backend = backend_.accept();
    backend.read_head();
    backend.send(kOk);
    client.read_until("ok");
    return backend;
  }

  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
};

TEST_F(RetryTest, AStaleConnectionIsReplacedUnseen) {
  start();
  auto client = connect();
  auto stale = warm_up(client);
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_TRUE(stale.read_until("\r\n\r\nabc").ends_with("\r\n\r\nabc"));
  stale.close();
  auto fresh = backend_.accept();
  EXPECT_TRUE(fresh.read_until("\r\n\r\nabc").ends_with("\r\n\r\nabc"));
  fresh.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(counts(1, "upstream_stale_total"));
  EXPECT_TRUE(counts(1, "retries_total"));
}

TEST_F(RetryTest, AnIdleConnectionThatTheBackendClosesIsNotUsed) {
  start();
  auto client = connect();
  warm_up(client).close();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  auto fresh = backend_.accept();
  fresh.read_head();
  fresh.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(RetryTest, WhatMayNotBeRepeatedIsNot) {
  start();
  auto client = connect();
  auto stale = warm_up(client);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  stale.read_until("\r\n\r\nabc");
  stale.close();
  EXPECT_EQ(client.read_head().substr(9, 3), "502");
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(RetryTest, ABodyThatHasGoneByIsNotRepeated) {
  start();
  auto client = connect();
  auto stale = warm_up(client);
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  stale.read_until("\r\n\r\nabc");
  client.send("def");
  stale.read_until("def");
  stale.close();
  EXPECT_EQ(client.read_head().substr(9, 3), "502");
}

TEST_F(RetryTest, ADeadBackendIsPassedOver) {
  const RefusingPort one, other;
  auto pools = pool({one.port(), backend_.port(), other.port()});
  start(pools);
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  auto backend = backend_.accept();
  EXPECT_TRUE(backend.read_until("\r\n\r\nabc").starts_with("POST / "));
  backend.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  for (int request = 0; request < 5; ++request) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    backend.read_head();
    backend.send(kOk);
    EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(RetryTest, NoBackendAtAllIsA503) {
  const RefusingPort one, other;
  start(pool({one.port(), other.port()}));
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client.read_until("all_backends_tried\n").substr(9, 3), "503");
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");  // the connection is still good
  EXPECT_EQ(client.read_until("all_backends_tried\n").substr(9, 3), "503");
}

TEST_F(RetryTest, ABackendThatIsDownIsNotTried) {
  ListeningPeer down;
  start(pool({down.port(), backend_.port()}));
  const auto address = Endpoint{*IpAddress::parse("127.0.0.1"), down.port()};
  shard_->apply(contract::HealthDelta{
      .full = true,
      .upserts = {{{"p1", contract::health_member("127.0.0.1", down.port())}, {{address, false, "refused"}}}},
      .removals = {}});
  await([this] { return (void)shard_->settle(), !shard_->settling(); });
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  for (int request = 0; request < 4; ++request) {
    backend.read_head();
    backend.send(kOk);
    client.read_until("ok");
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  backend.read_head();
  backend.send(kOk);
  client.read_until("ok");
  EXPECT_FALSE(down.has_waiting());
}

TEST_F(RetryTest, RoundRobinAlternates) {
  ListeningPeer other;
  start(pool({backend_.port(), other.port()}));
  auto client = connect();
  SocketPeer first;
  SocketPeer second;
  for (int request = 0; request < 6; ++request) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    if (request < 2) {
      await([&] { return backend_.has_waiting() || other.has_waiting(); });
      auto& peer = request == 0 ? first : second;
      peer = backend_.has_waiting() ? backend_.accept() : other.accept();
    }
    auto& peer = request % 2 == 0 ? first : second;
    EXPECT_TRUE(peer.read_head().starts_with("GET ")) << request;
    peer.send(kOk);
    client.read_until("ok");
  }
}

TEST_F(RetryTest, AResetEndsNoBodyThatOnlyTheCloseCouldEnd) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\n\r\npart");
  client.read_until("part");
  backend.reset();
  EXPECT_EQ(client.read_all().find("0\r\n\r\n"), std::string::npos);
  EXPECT_TRUE(counts(1, "exchanges_total", "backend_closed"));
}

}  // namespace
}  // namespace headgate::shard
