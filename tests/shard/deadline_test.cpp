// SPDX-License-Identifier: Apache-2.0
// Who keeps the other waiting for too long, and what happens then.
#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

class DeadlineTest : public ShardFixture {
 protected:
  void expect_answer_after(int ms) {
    start();
    auto client = connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto backend = backend_.accept();
    backend.read_head();
    EXPECT_FALSE(client.readable_within(ms));
    backend.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  }

  void expect_unreachable() {
    const FullPort full;
    start(pool({full.port()}));
    auto client = connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read_until("all_backends_tried\n").substr(9, 3), "503");
  }
};

TEST_F(DeadlineTest, AHeadThatDripsGets408) {
  settings_.header_timeout = 60ms;
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHo");
  EXPECT_EQ(client.read_all().substr(9, 3), "408");
  EXPECT_TRUE(counts(1, "exchanges_total", "header_timeout"));
}

TEST_F(DeadlineTest, ASilentConnectionIsClosedWithoutAWord) {
  settings_.header_timeout = 60ms;
  start();
  auto client = connect();
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(count("requests_total"), 0u);
}

TEST_F(DeadlineTest, AnIdleConnectionIsClosed) {
  settings_.idle_timeout = 60ms;
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  client.read_until("no_rule\n");
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(counts(1, "idle_timeouts_total"));
}

TEST_F(DeadlineTest, ABodyThatStallsGets408) {
  settings_.body_timeout = 60ms;
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  auto backend = backend_.accept();
  EXPECT_EQ(client.read_all().substr(9, 3), "408");
  backend.read_all();
  EXPECT_TRUE(counts(1, "exchanges_total", "body_timeout"));
}

TEST_F(DeadlineTest, ABodyThatDripsFallsBehindThePaceAndGets408) {
  settings_.body_timeout = 60ms;
  settings_.body_rate_min = 1'000'000'000;
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  // Never silent: each byte follows as soon as the backend has the one before.
  for (int sent = 0; sent < 100'000 && client.send("x") && backend.read_exactly(1) == "x"; ++sent) {
  }
  const auto answer = client.read_all();
  EXPECT_EQ(answer.substr(9, 3), "408");
  EXPECT_NE(answer.find("below_body_rate_min"), std::string::npos) << answer;
  EXPECT_TRUE(counts(1, "exchanges_total", "body_timeout"));
}

TEST_F(DeadlineTest, AStreamBothWaysHasNoPace) {
  settings_.body_timeout = 1'000ms;
  settings_.body_rate_min = 1'000'000'000;
  start();
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
  auto client = connect();
  client.send(post);
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
  client.read_head();
  // Beside it, in step, who has no response yet.
  auto owing = connect();
  owing.send(post);
  auto waiting = backend_.accept();
  waiting.read_head();
  for (int sent = 0; sent < 1'000'000 && owing.send("x") && waiting.read_exactly(1) == "x"; ++sent) {
    backend.send("1\r\nx\r\n");
    ASSERT_EQ(client.read_until("x\r\n"), "1\r\nx\r\n");
  }
  EXPECT_EQ(owing.read_all().substr(9, 3), "408");
  backend.send("0\r\n\r\n");
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
}

TEST_F(DeadlineTest, AStreamBothWaysMayBeSilentForTheRulesIdleTimeout) {
  settings_.body_timeout = 60ms;
  response_idle_timeout_ = 60'000ms;
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
  auto backend = backend_.accept();
  backend.read_until("1\r\na\r\n");
  backend.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nA\r\n");
  client.read_until("1\r\nA\r\n");

  // Begun later, and over its time: so would be the stream.
  auto stalled = connect();
  stalled.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(stalled.read_all().substr(9, 3), "408");

  client.send("1\r\nb\r\n0\r\n\r\n");
  backend.read_until("1\r\nb\r\n0\r\n\r\n");
  backend.send("1\r\nB\r\n0\r\n\r\n");
  EXPECT_TRUE(client.read_until("0\r\n\r\n").ends_with("1\r\nB\r\n0\r\n\r\n"));
}

TEST_F(DeadlineTest, ABackendThatSaysNothingIsA504) {
  settings_.response_timeout = 60ms;
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_EQ(client.read_until("response_timeout\n").substr(9, 3), "504");
  backend.read_head();
  EXPECT_TRUE(backend.at_end());
}

TEST_F(DeadlineTest, ARulesTimeoutForATryIsInThePlaceOfTheShardsPatience) {
  settings_.response_timeout = 40ms;
  backend_request_timeout_ = 60'000ms;
  expect_answer_after(120);
}

TEST_F(DeadlineTest, ARulesTimeoutForAllTriesIsInThePlaceOfTheShardsPatience) {
  settings_.response_timeout = 40ms;
  request_timeout_ = 60'000ms;
  expect_answer_after(120);
}

// As that of a hop says how long the second tier may take.
TEST_F(DeadlineTest, APoolsPatienceIsInThePlaceOfTheShards) {
  settings_.response_timeout = 60'000ms;
  auto patient = pool({backend_.port()});
  patient.response_timeout = 60ms;
  start(patient);
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_EQ(client.read_until("response_timeout\n").substr(9, 3), "504");
}

TEST_F(DeadlineTest, ATunnelHasNoTimeoutsOfRequests) {
  request_timeout_ = backend_request_timeout_ = 60ms;
  start();
  auto client = connect();
  client.send(
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  EXPECT_NE(client.read_head(), "");
  EXPECT_FALSE(client.readable_within(150));
  client.send("ping");
  EXPECT_EQ(backend.read_exactly(4), "ping");
}

TEST_F(DeadlineTest, ARequestTimeoutOfTheRuleBoundsTheWholeExchange) {
  request_timeout_ = 80ms;
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nabc"));
  EXPECT_TRUE(counts(1, "exchanges_total", "request_timeout"));
}

TEST_F(DeadlineTest, ABackendThatCannotBeReachedIsA503WithinTheTimeout) {
  settings_.connect_timeout = 60ms;
  expect_unreachable();
}

TEST_F(DeadlineTest, ConnectingIsPartOfTheTry) {
  settings_.connect_timeout = 60'000ms;
  backend_request_timeout_ = 60ms;
  expect_unreachable();
}

}  // namespace
}  // namespace headgate::shard
