// SPDX-License-Identifier: Apache-2.0
// The circuit breaker: who waits for a connection, in which order and for how long, and who is refused.
#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

class UpstreamQueueTest : public ShardFixture {
 protected:
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  static constexpr const char* kLast = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";

  contract::Pool one_connection() {
    auto made = pool({backend_.port()});
    made.circuit_breaker.connections_max = 1;
    return made;
  }
  SocketPeer ask(const std::string& path) {
    auto client = connect();
    client.send("GET /" + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return client;
  }
  // Returns once it stands in the queue.
  SocketPeer ask_and_wait(const std::string& path) {
    const auto before = count("upstream_queued_total");
    auto client = ask(path);
    await([&] { return count("upstream_queued_total") == before + 1; });
    return client;
  }
  static std::string path_of(SocketPeer& backend) {
    const auto head = backend.read_head();
    return head.substr(0, head.find(" HTTP"));
  }
};

TEST_F(UpstreamQueueTest, WhoWaitsIsServedInTheOrderOfComing) {
  start(one_connection());
  auto first = ask("1");
  auto backend = backend_.accept();
  EXPECT_EQ(path_of(backend), "GET /1");
  std::vector<SocketPeer> clients;
  for (const char* path : {"2", "3", "4", "5"}) clients.push_back(ask_and_wait(path));
  for (const char* path : {"2", "3", "4", "5"}) {
    EXPECT_FALSE(backend_.has_waiting());
    backend.send(kOk);
    EXPECT_EQ(path_of(backend), std::string("GET /") + path);
  }
  backend.send(kOk);
  first.read_until("ok");
  for (auto& client : clients) EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(counts(1, "upstream_connects_total"));
}

TEST_F(UpstreamQueueTest, WhoComesNewStandsBehindThoseWhoWait) {
  start(one_connection());
  auto first = ask("1");
  auto backend = backend_.accept();
  path_of(backend);
  auto second = ask_and_wait("2");
  backend.send(kOk);
  first.read_until("ok");
  first.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(path_of(backend), "GET /2");
  backend.send(kOk);
  EXPECT_EQ(path_of(backend), "GET /3");
  backend.send(kOk);
  second.read_until("ok");
  first.read_until("ok");
}

TEST_F(UpstreamQueueTest, AConnectionThatClosesMakesRoomForANewOne) {
  start(one_connection());
  auto first = ask("1");
  auto backend = backend_.accept();
  path_of(backend);
  auto second = ask_and_wait("2");
  backend.send(kLast);
  first.read_until("ok");
  auto next = backend_.accept();
  EXPECT_EQ(path_of(next), "GET /2");
  next.send(kOk);
  EXPECT_TRUE(second.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(UpstreamQueueTest, AFullQueueRefuses) {
  auto backends = one_connection();
  backends.circuit_breaker.pending_max = 1;
  start(backends);
  auto first = ask("1");
  auto backend = backend_.accept();
  path_of(backend);
  auto second = ask_and_wait("2");
  EXPECT_EQ(ask("3").read_until("pool_queue_full\n").substr(9, 3), "503");
  EXPECT_TRUE(counts(1, "not_routed_total", "pool_queue_full"));
  backend.send(kOk);
  EXPECT_EQ(path_of(backend), "GET /2");
  backend.send(kOk);
  EXPECT_TRUE(second.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(UpstreamQueueTest, WhoWaitsTooLongGets503AndLosesItsPlace) {
  auto backends = one_connection();
  backends.circuit_breaker.pending_timeout = 60ms;
  start(backends);
  auto first = ask("1");
  auto backend = backend_.accept();
  path_of(backend);
  EXPECT_EQ(ask("2").read_until("pool_queue_timeout\n").substr(9, 3), "503");
  EXPECT_TRUE(counts(1, "not_routed_total", "pool_queue_timeout"));
  backend.send(kOk);
  first.read_until("ok");
  EXPECT_FALSE(backend.readable_within(50)) << "it is not asked any more";
  first.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(path_of(backend), "GET /3");
  backend.send(kOk);
  first.read_until("ok");
}

TEST_F(UpstreamQueueTest, TheRequestTimeoutHoldsInTheQueueToo) {
  request_timeout_ = 80ms;
  start(one_connection());
  auto first = ask("1");
  auto backend = backend_.accept();
  path_of(backend);
  EXPECT_EQ(ask("2").read_until("request_timeout\n").substr(9, 3), "504");
}

TEST_F(UpstreamQueueTest, AClientThatLeavesGivesItsPlaceUp) {
  start(one_connection());
  auto first = ask("1");
  auto backend = backend_.accept();
  path_of(backend);
  auto second = ask_and_wait("2");
  auto third = ask_and_wait("3");
  second.reset();
  EXPECT_TRUE(counts(1, "exchanges_total", "client_gone"));
  backend.send(kOk);
  EXPECT_EQ(path_of(backend), "GET /3");
  backend.send(kOk);
  EXPECT_TRUE(third.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(UpstreamQueueTest, AnIdleConnectionToAnotherBackendMakesRoom) {
  ListeningPeer other;
  auto backends = pool({backend_.port(), other.port()});
  backends.circuit_breaker.connections_max = 1;
  start(backends);
  auto client = connect();
  SocketPeer last;
  for (int request = 0; request < 4; ++request) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await([&] { return backend_.has_waiting() || other.has_waiting(); });
    auto next = backend_.has_waiting() ? backend_.accept() : other.accept();
    if (last) {
      EXPECT_TRUE(last.at_end());
    }
    next.read_head();
    next.send(kOk);
    client.read_until("ok");
    last = std::move(next);
  }
  EXPECT_EQ(count("upstream_queued_total"), 0u);
}

TEST_F(UpstreamQueueTest, MoreRequestsThanMayRunAreRefused) {
  auto backends = pool({backend_.port()});
  backends.circuit_breaker.requests_max = 1;
  start(backends);
  auto first = ask("1");
  auto backend = backend_.accept();
  path_of(backend);
  EXPECT_EQ(ask("2").read_until("pool_requests_full\n").substr(9, 3), "503");
  backend.send(kOk);
  first.read_until("ok");
  first.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(path_of(backend), "GET /3") << "the breaker has closed again";
  backend.send(kOk);
  first.read_until("ok");
}

TEST_F(UpstreamQueueTest, AConnectionServesAsManyRequestsAsItMay) {
  auto backends = pool({backend_.port()});
  backends.circuit_breaker.requests_per_connection_max = 2;
  start(backends);
  auto client = connect();
  for (int connection = 0; connection < 2; ++connection) {
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto backend = backend_.accept();
    for (int request = 0; request < 2; ++request) {
      if (request > 0) client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      backend.read_head();
      backend.send(kOk);
      client.read_until("ok");
    }
    EXPECT_TRUE(backend.at_end());
  }
}

TEST_F(UpstreamQueueTest, AConnectionIdlesAsLongAsItMay) {
  auto backends = pool({backend_.port()});
  backends.idle_timeout = 60ms;
  start(backends);
  auto client = ask("1");
  auto backend = backend_.accept();
  path_of(backend);
  backend.send(kOk);
  client.read_until("ok");
  EXPECT_TRUE(backend.at_end());
}

}  // namespace
}  // namespace headgate::shard
