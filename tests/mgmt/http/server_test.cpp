// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/server.hpp"

#include <condition_variable>
#include <future>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/mgmt/http/raw_client.hpp"

namespace headgate::http {
namespace {

using test::RawClient;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Answers with what it was asked; keeps the responders of /later for the test.
class HttpServer : public testing::Test {
 protected:
  void SetUp() override {
    const ServerOptions options{*Endpoint::parse("127.0.0.1:0"), 2,
                                [](std::string_view, std::string_view path) {
                                  return path == "/big" ? std::size_t{8} << 20 : std::size_t{1000};
                                }};
    auto started = Server::start(options, [this](Request request, Responder respond) {
      if (request.path == "/later") {
        const std::lock_guard lock(mutex_);
        later_.push_back(std::move(respond));
        departures_.push_back(request.departure);
        arrived_.notify_all();
        return;
      }
      respond({200, {}, "text/plain", request.path + " " + std::to_string(request.body.size())});
    });
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = std::move(*started);
  }

  RawClient connect() { return RawClient(server_->address()); }
  std::vector<Responder> wait_for_later(std::size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return later_.size() >= count; });
    return std::exchange(later_, {});
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Responder> later_;
  std::vector<std::shared_ptr<Departure>> departures_;  // of their clients
  std::unique_ptr<Server> server_;
};

TEST_F(HttpServer, AnswersSeveralRequestsOnOneConnection) {
  auto client = connect();
  for (int i = 0; i < 100; ++i) {
    client.send("GET /a%2Fb HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.response(), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), EndsWith("\r\n\r\n/a%2Fb 0")));
  }
}

TEST_F(HttpServer, ReadsARequestThatComesInPieces) {
  auto client = connect();
  client.send("POST /a HTTP/1.1\r\nContent-Le");
  client.send("ngth: 10\r\n\r\n01234");
  client.send("56789");
  EXPECT_THAT(client.response(), EndsWith("/a 10"));
}

TEST_F(HttpServer, TakesABodyOfMegabytes) {
  auto client = connect();
  client.send("PUT /big HTTP/1.1\r\nContent-Length: 8388608\r\n\r\n" + std::string(8 << 20, 'x'));
  EXPECT_THAT(client.response(), EndsWith("/big 8388608"));
}

TEST_F(HttpServer, AnswersHeadWithTheLengthAlone) {
  auto client = connect();
  client.send("HEAD /a HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.response(true), AllOf(HasSubstr("Content-Length: 4\r\n"), EndsWith("\r\n\r\n")));
  client.send("GET /b HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.response(), EndsWith("/b 0"));
}

TEST_F(HttpServer, ClosesWhenAskedTo) {
  auto client = connect();
  client.send("GET /a HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.until_close(), AllOf(HasSubstr("Connection: close\r\n"), EndsWith("/a 0")));
  auto old_client = connect();
  old_client.send("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old_client.until_close(), EndsWith("/a 0"));
}

TEST_F(HttpServer, SaysContinueWhenTheClientWaitsForIt) {
  auto client = connect();
  client.send("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 100 Continue\r\n\r\n"));
  client.send("abc");
  EXPECT_THAT(client.response(), EndsWith("/a 3"));
}

TEST_F(HttpServer, AnswersLaterFromAnotherThread) {
  auto client = connect();
  client.send("GET /later HTTP/1.1\r\n\r\n");
  auto responders = wait_for_later(1);
  std::thread([&] { responders[0]({204, {}, "", ""}); }).join();
  EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 204 No Content\r\n"));
  client.send("GET /next HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.response(), EndsWith("/next 0"));
}

TEST_F(HttpServer, TellsWhatRunsForAClientThatTheClientHasGone) {
  auto client = std::make_unique<RawClient>(server_->address());
  client->send("GET /later HTTP/1.1\r\n\r\n");
  const auto responders = wait_for_later(1);
  std::promise<void> gone;
  departures_[0]->when_gone([&] { gone.set_value(); });
  client.reset();
  EXPECT_EQ(gone.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  std::promise<void> known;
  departures_[0]->when_gone([&] { known.set_value(); });
  EXPECT_EQ(known.get_future().wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

TEST_F(HttpServer, AClientThatGoesAfterItsAnswerIsNoBusinessOfWhatRan) {
  auto client = std::make_unique<RawClient>(server_->address());
  client->send("GET /later HTTP/1.1\r\n\r\n");
  const auto responders = wait_for_later(1);
  bool told = false;
  departures_[0]->when_gone([&] { told = true; });
  responders[0]({204, {}, "", ""});
  EXPECT_THAT(client->response(), StartsWith("HTTP/1.1 204"));
  EXPECT_EQ(departures_[0].use_count(), 1) << "the connection no longer holds it";
  client.reset();
  server_.reset();
  EXPECT_FALSE(told);
}

// While an exchange waits, its client goes and another gets the same file descriptor: it must not get the
// answer.
TEST_F(HttpServer, GivesALateAnswerToNobodyElse) {
  for (int round = 0; round < 50; ++round) {
    std::vector<Responder> responders;
    {
      auto leaving = connect();
      leaving.send("GET /later HTTP/1.1\r\n\r\n");
      responders = wait_for_later(1);
    }
    auto staying = connect();
    staying.send("GET /mine HTTP/1.1\r\n\r\n");
    responders[0]({200, {}, "text/plain", "not yours"});
    EXPECT_THAT(staying.response(), EndsWith("/mine 0"));
  }
}

TEST_F(HttpServer, HoldsManyWaitingClientsWithFewThreads) {
  std::vector<RawClient> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(connect());
    clients.back().send("GET /later HTTP/1.1\r\n\r\n");
  }
  auto responders = wait_for_later(100);
  auto busy = connect();
  busy.send("GET /now HTTP/1.1\r\n\r\n");
  EXPECT_THAT(busy.response(), EndsWith("/now 0"));
  for (auto& respond : responders) respond({204, {}, "", ""});
  for (auto& client : clients) EXPECT_THAT(client.response(), StartsWith("HTTP/1.1 204"));
}

TEST_F(HttpServer, DropsTheAnswerOfAClientThatHasGone) {
  auto client = connect();
  client.send("GET /later HTTP/1.1\r\n\r\n");
  auto responders = wait_for_later(1);
  client.finish_sending();
  EXPECT_THAT(client.until_close(), IsEmpty());
  responders[0]({204, {}, "", ""});
  auto next = connect();
  next.send("GET /a HTTP/1.1\r\n\r\n");
  EXPECT_THAT(next.response(), EndsWith("/a 0"));
}

struct BadRequest {
  const char* description;
  std::string bytes;
  const char* status;
};
void PrintTo(const BadRequest& bad, std::ostream* out) { *out << bad.description; }

class HttpServerRefuses : public HttpServer, public testing::WithParamInterface<BadRequest> {};

TEST_P(HttpServerRefuses, WithAProblemDocumentAndCloses) {
  auto client = connect();
  client.send(GetParam().bytes);
  const auto answer = client.until_close();
  EXPECT_THAT(answer, StartsWith(std::string("HTTP/1.1 ") + GetParam().status));
  EXPECT_THAT(answer, AllOf(HasSubstr("Content-Type: application/problem+json\r\n"),
                            HasSubstr("Connection: close\r\n")));
  auto next = connect();
  next.send("GET /a HTTP/1.1\r\n\r\n");
  EXPECT_THAT(next.response(), EndsWith("/a 0"));
}

INSTANTIATE_TEST_SUITE_P(
    Table, HttpServerRefuses,
    testing::Values(
        BadRequest{"no HTTP at all", "\x16\x03\x01\x02 hello\r\n\r\n", "400"},
        BadRequest{"an unknown method", "BREW / HTTP/1.1\r\n\r\n", "400"},
        BadRequest{"an unknown version", "GET / HTTP/3.7\r\n\r\n", "400"},
        BadRequest{"a target that is no path", "GET http://x/ HTTP/1.1\r\n\r\n", "400"},
        BadRequest{"a broken percent-encoding", "GET /%zz HTTP/1.1\r\n\r\n", "400"},
        BadRequest{"an encoded NUL", "GET /a%00 HTTP/1.1\r\n\r\n", "400"},
        BadRequest{"a broken percent-encoding in the query", "GET /?a=%4 HTTP/1.1\r\n\r\n", "400"},
        BadRequest{"a length that is no number", "PUT / HTTP/1.1\r\nContent-Length: ten\r\n\r\n", "400"},
        BadRequest{"a negative length", "PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400"},
        BadRequest{"a body over the limit", "PUT / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", "413"},
        BadRequest{"a body over the limit, sent",
                   "PUT / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n" + std::string(2'000'000, 'x'), "413"},
        BadRequest{"a length over 64 bits", "PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                   "400"},
        BadRequest{"a length near 2^64", "PUT / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n",
                   "413"},
        BadRequest{"chunks", "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                   "411"},
        BadRequest{"chunks of a hostile size", "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nx",
                   "411"},
        BadRequest{"a target that is too long", "GET /" + std::string(5000, 'a') + " HTTP/1.1\r\n\r\n",
                   "414"},
        BadRequest{"headers without an end", "GET / HTTP/1.1\r\nA: " + std::string(64 << 10, 'a'), "431"}));

TEST_F(HttpServer, SurvivesRandomBytes) {
  std::mt19937 random(7);
  const std::string alphabet =
      "GET /PUT HTTP/1.1\r\n:;=%&?cCookie Content-Type Host Accept Authorization \xff\x80\t\"";
  for (int round = 0; round < 400; ++round) {
    auto client = connect();
    std::string bytes = round % 2 ? "GET / HTTP/1.1\r\n" : "";
    const auto length = random() % 300;
    for (std::size_t i = 0; i < length; ++i) bytes.push_back(alphabet[random() % alphabet.size()]);
    client.send(bytes + "\r\n\r\n");
    client.finish_sending();
    client.until_close();
  }
  auto client = connect();
  client.send("GET /a HTTP/1.1\r\n\r\n");
  EXPECT_THAT(client.response(), EndsWith("/a 0"));
}

TEST_F(HttpServer, RefusesNewRequestsWhileDraining) {
  auto waiting = connect();
  waiting.send("GET /later HTTP/1.1\r\n\r\n");
  auto responders = wait_for_later(1);
  auto drained = std::async(std::launch::async, [&] { server_->drain(std::chrono::seconds(10)); });
  std::string answer;
  do {
    auto late = connect();
    late.send("GET /a HTTP/1.1\r\n\r\n");
    answer = late.response();
  } while (answer.starts_with("HTTP/1.1 200"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
  responders[0]({200, {}, "text/plain", "done"});
  drained.get();
  EXPECT_THAT(waiting.response(), EndsWith("done"));
}

TEST_F(HttpServer, NamesTheProcessThatHasThePort) {
  const auto second = Server::start({server_->address(), 1, {}}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  EXPECT_THAT(
      second.error().message,
      AllOf(HasSubstr("in use by http_tests (pid " + std::to_string(::getpid())), HasSubstr("--listen")));
}

TEST(HttpServerStart, RefusesWhatIsNoLoopbackAddress) {
  for (const char* address : {"0.0.0.0:7080", "192.0.2.1:7080", "[::]:7080"}) {
    const auto started = Server::start({*Endpoint::parse(address), 1, {}}, {});
    ASSERT_FALSE(started.ok()) << address;
    EXPECT_THAT(started.error().message, HasSubstr("loopback")) << address;
  }
}

TEST(HttpServerStart, ListensOnIpv6Loopback) {
  const auto started = Server::start({*Endpoint::parse("[::1]:0"), 1, {}}, {});
  ASSERT_TRUE(started.ok()) << started.error().message;
  EXPECT_NE((*started)->address().port, 0);
}

}  // namespace
}  // namespace headgate::http
