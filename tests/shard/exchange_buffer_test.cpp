// SPDX-License-Identifier: Apache-2.0
// A rule's buffer_request, as client and backend see it.
#include <gmock/gmock.h>

#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ExchangeBufferTest : public ShardFixture {
 protected:
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  static constexpr const char* kUnavailable = "HTTP/1.1 503 No\r\ncontent-length: 2\r\n\r\nno";

  void buffer(uint64_t max_bytes) {
    rule_filters_.emplace().buffer_request = contract::BufferRequest{.max_bytes = max_bytes};
  }
  static std::string put(std::size_t length, const std::string& begun = "") {
    return "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" + begun;
  }
  static constexpr const char* kChunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
};

TEST_F(ExchangeBufferTest, NoBackendIsAskedBeforeTheBodyIsWhole) {
  buffer(1000);
  start();
  auto client = connect();
  client.send(put(6, "abc"));
  auto other = connect();  // whose whole exchange comes between
  other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_head(), StartsWith("GET "));
  backend.send(kOk);
  other.read_until("ok");
  EXPECT_FALSE(backend_.has_waiting());
  client.send("def");
  EXPECT_THAT(backend.read_until("abcdef"), HasSubstr("content-length: 6\r\n"));
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(counts(1, "requests_buffered_total"));
}

TEST_F(ExchangeBufferTest, AChunkedBodyGetsItsLength) {
  buffer(1000);
  start();
  auto client = connect();
  client.send(std::string(kChunked) + "3\r\nabc\r\n");
  client.send("2\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n");
  auto backend = backend_.accept();
  const auto request = backend.read_until("abcde");
  EXPECT_THAT(request, HasSubstr("content-length: 5\r\n"));
  EXPECT_THAT(request, Not(HasSubstr("transfer-encoding")));
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExchangeBufferTest, AnEmptyOneToo) {
  buffer(1000);
  start();
  auto client = connect();
  client.send(std::string(kChunked) + "0\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_head(), HasSubstr("content-length: 0\r\n"));
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(backend.read_head(), StartsWith("GET ")) << "on the same connection";
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExchangeBufferTest, ALargeBodyArrivesWhole) {
  buffer(1 << 20);
  start();
  std::string body;
  for (std::size_t i = 0; body.size() < 300'000; ++i) body += std::to_string(i) + ",";
  auto client = connect();
  std::thread sending([&] { client.send(put(body.size(), body)); });
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_head(), HasSubstr("content-length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_EQ(backend.read_exactly(body.size()), body);
  sending.join();
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExchangeBufferTest, OverTheLimitIsRefused) {
  buffer(5);
  start();
  auto said = connect();
  said.send(put(6));
  EXPECT_THAT(said.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  auto unsaid = connect();
  unsaid.send(std::string(kChunked) + "3\r\nabc\r\n");
  unsaid.send("3\r\ndef\r\n");
  EXPECT_THAT(unsaid.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(counts(2, "exchanges_total", "body_too_large"));
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(ExchangeBufferTest, ABodyThatBreaksTheRulesReachesNobody) {
  buffer(1000);
  start();
  auto client = connect();
  client.send(std::string(kChunked) + "3\r\nabc\r\n");
  client.send("x\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  auto gone = connect();
  gone.send(put(6, "abc"));
  gone.close();
  EXPECT_TRUE(counts(1, "exchanges_total", "client_gone"));
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(ExchangeBufferTest, WhereTooMuchIsBufferedForOthersItIsRefused) {
  buffer(1 << 20);
  request_buffers_bytes_max_ = limits::kSmallBlockBytes;
  start();
  auto first = connect();
  first.send(put(6, "abc"));
  auto probe = connect();
  probe.send("GET / HTTP/1.1\r\nHost: nobody\r\n\r\n");
  probe.read_until("no_rule\n");  // by now the first holds its block
  auto second = connect();
  second.send(put(6, "abc"));
  EXPECT_THAT(second.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 503 "));
  EXPECT_TRUE(counts(1, "exchanges_total", "buffers_exhausted"));
  first.send("def");
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_until("abcdef"), EndsWith("abcdef"));
  backend.send(kOk);
  EXPECT_THAT(first.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExchangeBufferTest, AClientThatWaitsToBeAskedIsAskedByUs) {
  buffer(1000);
  start();
  auto client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_until("abc"), Not(HasSubstr("expect:")));
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExchangeBufferTest, AClientThatSendsNothingMoreHasADeadline) {
  buffer(1000);
  settings_.body_timeout = contract::Millis(50);
  start();
  auto client = connect();
  client.send(put(6, "abc"));
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 408 "));
}

// What came beyond the head's block is gone once it is passed on, and can be sent again where it is buffered.
TEST_F(ExchangeBufferTest, ABodyThatIsBufferedIsSentAgain) {
  buffer(1 << 20);
  retry_ = contract::Retry{.attempts = 1,
                           .on = {contract::RetryOn::kReset},
                           .statuses = {{503, 503}},
                           .backoff_base = contract::Millis(1),
                           .backoff_max = contract::Millis(2)};
  start();
  const std::string body(100'000, 'x');
  for (const bool resets : {false, true}) {
    auto client = connect();
    std::thread sending([&] { client.send(put(body.size(), body)); });
    {
      auto first = backend_.accept();
      first.read_head();
      EXPECT_EQ(first.read_exactly(body.size()), body);
      if (resets)
        first.reset();
      else
        first.send(kUnavailable);
      sending.join();
      auto second = resets ? backend_.accept() : std::move(first);
      EXPECT_THAT(second.read_head(), HasSubstr("content-length: 100000\r\n"));
      EXPECT_EQ(second.read_exactly(body.size()), body);
      second.send(kOk);
      EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
      second.close();
    }
  }
}

TEST_F(ExchangeBufferTest, WhatMayNotBeRepeatedIsNotBecauseItCould) {
  buffer(1000);
  retry_ = contract::Retry{.attempts = 1, .on = {contract::RetryOn::kReset}, .statuses = {}};
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  auto backend = backend_.accept();
  backend.read_until("abc");
  backend.reset();
  EXPECT_THAT(client.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 502 "));
}

TEST_F(ExchangeBufferTest, OverHttp2AsWell) {
  buffer(1 << 20);
  start();
  testing_support::Http2Peer peer(testing_support::Http2Peer::Role::kClient, connect());
  const int32_t id = peer.post("/");
  peer.send_body(id, std::string(70'000, 'x'), false);
  peer.send_body(id, "end", true);
  ASSERT_TRUE(peer.await([&] { return peer.sent_whole(id); })) << "the window opens";
  auto backend = backend_.accept();
  EXPECT_THAT(backend.read_head(), HasSubstr("content-length: 70003\r\n"));
  EXPECT_THAT(backend.read_exactly(70'003), EndsWith("xend"));
  backend.send(kOk);
  ASSERT_TRUE(peer.await_end(id));
  EXPECT_EQ(peer.message(id).status(), "200");
}

}  // namespace
}  // namespace headgate::shard
