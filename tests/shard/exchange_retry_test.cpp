// SPDX-License-Identifier: Apache-2.0
// Exchange: what a rule's `retry` makes of backends that refuse, reset, hang and accept too slowly; counted
// as the backends see it.
#include <fstream>
#include <sstream>

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

using contract::RetryOn;

class ExchangeRetryTest : public ShardFixture {
 protected:
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  static constexpr const char* kUnavailable =
      "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno";
  static constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  void retry(uint32_t attempts, std::vector<RetryOn> on, std::vector<contract::StatusRange> statuses = {}) {
    retry_ = contract::Retry{.attempts = attempts,
                             .on = std::move(on),
                             .statuses = std::move(statuses),
                             .backoff_base = contract::Millis(1),
                             .backoff_max = contract::Millis(2)};
  }
  // The next connection to either backend.
  SocketPeer accept_either() {
    await([&] { return backend_.has_waiting() || other_.has_waiting(); });
    return backend_.has_waiting() ? backend_.accept() : other_.accept();
  }
  void start_with_both() { start(pool({backend_.port(), other_.port()})); }
  std::string log() {
    stop();
    std::ifstream file(log_path_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  ListeningPeer other_;
};

TEST_F(ExchangeRetryTest, A503IsTriedAgainElsewhere) {
  retry(1, {}, {{503, 503}});
  start_with_both();
  auto client = connect();
  client.send(kGet);
  auto first = accept_either();
  EXPECT_TRUE(first.read_head().starts_with("GET / "));
  first.send(kUnavailable);
  auto second = accept_either();
  EXPECT_TRUE(second.read_head().starts_with("GET / "));
  second.send(kOk);
  const auto response = client.read_until("ok");
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(response.find("no\r\n"), std::string::npos) << "nothing of the first";
  EXPECT_TRUE(counts(1, "retries_total"));
}

TEST_F(ExchangeRetryTest, WithoutARuleA503IsPassedOn) {
  start_with_both();
  auto client = connect();
  client.send(kGet);
  auto first = accept_either();
  first.read_head();
  first.send(kUnavailable);
  EXPECT_TRUE(client.read_until("no").starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(count("retries_total"), 0u);
}

TEST_F(ExchangeRetryTest, ABodyAtHandIsSentAgain) {
  retry(1, {}, {{503, 503}});
  start_with_both();
  auto client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  auto first = accept_either();
  EXPECT_TRUE(first.read_until("\r\n\r\nabc").ends_with("\r\n\r\nabc"));
  first.send(kUnavailable);
  auto second = accept_either();
  EXPECT_TRUE(second.read_until("\r\n\r\nabc").ends_with("\r\n\r\nabc"));
  second.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ExchangeRetryTest, WhereThereIsNoOtherTheSameIsAskedAsOftenAsTheRuleSays) {
  retry(2, {}, {{500, 599}});
  start();
  auto client = connect();
  client.send(kGet);
  auto backend = backend_.accept();
  for (int request = 0; request < 3; ++request) {
    EXPECT_TRUE(backend.read_head().starts_with("GET ")) << request << ": on the connection that stays";
    backend.send(kUnavailable);
  }
  EXPECT_TRUE(client.read_until("no").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(counts(2, "retries_total"));
  EXPECT_TRUE(counts(1, "upstream_connects_total"));
  EXPECT_FALSE(backend.readable_within(50)) << "no fourth";
}

TEST_F(ExchangeRetryTest, WhatMayNotBeRepeatedIsNot) {
  retry(3, {RetryOn::kReset, RetryOn::kTimeout}, {{500, 599}});
  start_with_both();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  auto first = accept_either();
  first.read_until("\r\n\r\nabc");
  first.send(kUnavailable);
  EXPECT_TRUE(client.read_until("no").starts_with("HTTP/1.1 503 "));
  EXPECT_FALSE(backend_.has_waiting() || other_.has_waiting());
}

TEST_F(ExchangeRetryTest, AResetIsTriedAgain) {
  retry(1, {RetryOn::kReset});
  start_with_both();
  auto client = connect();
  client.send(kGet);
  auto first = accept_either();
  first.read_head();
  first.reset();
  auto second = accept_either();
  second.read_head();
  second.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ExchangeRetryTest, AHeadThatBreaksOffIsTriedAgainUnseen) {
  retry(1, {RetryOn::kReset});
  start_with_both();
  auto client = connect();
  client.send(kGet);
  auto first = accept_either();
  first.read_head();
  first.send("HTTP/1.1 200 OK\r\ncontent-le");
  first.close();
  auto second = accept_either();
  second.read_head();
  second.send(kOk);
  const auto response = client.read_until("ok");
  EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(response.rfind("HTTP/1.1"), 0u) << "one head: " << response;
}

TEST_F(ExchangeRetryTest, AResponseThatHasBegunIsNot) {
  retry(1, {RetryOn::kReset});
  start_with_both();
  auto client = connect();
  client.send(kGet);
  auto first = accept_either();
  first.read_head();
  first.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
  client.read_until("\r\n\r\nabc");
  first.reset();
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(count("retries_total"), 0u);
}

TEST_F(ExchangeRetryTest, ATryThatHangsIsTriedAgain) {
  retry(1, {RetryOn::kTimeout});
  backend_request_timeout_ = 60ms;
  start_with_both();
  auto client = connect();
  client.send(kGet);
  auto first = accept_either();
  first.read_head();
  auto second = accept_either();
  second.read_head();
  second.send(kOk);
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(first.at_end()) << "given up";
}

TEST_F(ExchangeRetryTest, TheRequestTimeoutBoundsAllTries) {
  retry(10, {RetryOn::kTimeout});
  request_timeout_ = 150ms;
  backend_request_timeout_ = 40ms;
  start();
  auto client = connect();
  client.send(kGet);
  EXPECT_EQ(client.read_until("request_timeout\n").substr(9, 3), "504");
  EXPECT_LE(count("retries_total"), 4u);
}

TEST_F(ExchangeRetryTest, TheBudgetBoundsRepetitionsAndSaysSo) {
  retry(1, {}, {{503, 503}});
  auto backends = pool({backend_.port()});
  backends.retry_budget = {.percent = 0, .retries_min = 1};
  start(backends);
  auto first = connect();
  first.send(kGet);
  auto first_backend = backend_.accept();
  first_backend.read_head();
  auto second = connect();
  second.send(kGet);
  auto second_backend = backend_.accept();
  second_backend.read_head();
  first_backend.send(kUnavailable);
  first_backend.read_head();  // the repetition, which still runs
  second_backend.send(kUnavailable);
  EXPECT_TRUE(second.read_until("no").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(counts(1, "retry_budget_exhausted_total"));
  first_backend.send(kOk);
  EXPECT_TRUE(first.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  second.send(kGet);  // it is over, so the budget has room again
  await([&] { return first_backend.readable_within(0) || second_backend.readable_within(0); });
  auto& peer = first_backend.readable_within(0) ? first_backend : second_backend;
  peer.read_head();
  peer.send(kUnavailable);
  EXPECT_TRUE(peer.read_head().starts_with("GET "));
  peer.send(kOk);
  EXPECT_TRUE(second.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_NE(log().find(R"("retry_refused":"budget")"), std::string::npos);
}

TEST_F(ExchangeRetryTest, FailedConnectsAreTriedAgainAsOftenAsTheRuleSays) {
  retry(2, {RetryOn::kConnectFailure});
  const RefusingPort refusing;
  start(pool({refusing.port()}));
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_EQ(client.read_until("all_backends_tried\n").substr(9, 3), "503");
  EXPECT_TRUE(counts(3, "upstream_connects_total"));
  EXPECT_EQ(count("retry_budget_exhausted_total"), 0u) << "no backend has seen it: the budget is not asked";
}

TEST_F(ExchangeRetryTest, ABackendThatAcceptsTooSlowlyIsLeftAfterThePoolsTimeout) {
  const FullPort full;
  settings_.connect_timeout = 60'000ms;
  auto backends = pool({full.port(), backend_.port()});
  backends.connect_timeout = 60ms;
  start(backends);
  for (int request = 0; request < 2; ++request) {  // one of them begins with the slow one
    auto client = connect();
    client.send(kGet);
    auto backend = backend_.accept();
    backend.read_head();
    backend.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
    EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
  }
  EXPECT_GE(count("upstream_connect_failures_total"), 1u);
}

TEST_F(ExchangeRetryTest, AResponseThatFallsSilentIsCutAfterTheRulesIdleTimeout) {
  response_idle_timeout_ = 60ms;
  start();
  auto client = connect();
  client.send(kGet);
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc");
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nabc"));
  EXPECT_TRUE(counts(1, "exchanges_total", "response_timeout"));
}

}  // namespace
}  // namespace headgate::shard
