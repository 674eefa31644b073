// SPDX-License-Identifier: Apache-2.0
// Bodies that go from one plain socket to another by a pipe, as client and backend see it.
#include <random>

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

using testing::StartsWith;

class ExchangePipeTest : public ShardFixture {
 protected:
  static constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

  // No two parts of it are alike.
  static std::string body(std::size_t bytes) {
    std::mt19937_64 random(bytes);
    std::string made(bytes, 0);
    for (char& c : made) c = static_cast<char>('a' + random() % 26);
    return made;
  }
  // The backend that the request has reached.
  SocketPeer ask(SocketPeer& client, const std::string& request) {
    client.send(request);
    auto backend = backend_.accept();
    backend.read_head();
    return backend;
  }
  static std::string head(std::size_t length) {
    return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(length) + "\r\n\r\n";
  }
};

TEST_F(ExchangePipeTest, ALongBodyIsWholeAndBothConnectionsGoOn) {
  start();
  auto client = connect();
  auto backend = ask(client, kGet);
  const auto sent = body(8u << 20);
  std::thread sender([&] { backend.send(head(sent.size()) + sent); });
  client.read_head();
  EXPECT_TRUE(client.read_exactly(sent.size()) == sent);
  sender.join();
  EXPECT_GT(count("bytes_piped_total"), sent.size() / 2);
  EXPECT_LE(count("bytes_piped_total"), sent.size());

  client.send(kGet);
  backend.read_head();
  backend.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExchangePipeTest, AShortOneAndOneOfUnknownLengthAreCopied) {
  start();
  auto client = connect();
  auto backend = ask(client, kGet);
  const auto brief = body(limits::kPipedBodyBytesMin - 1);
  backend.send(head(brief.size()) + brief);
  client.read_head();
  EXPECT_TRUE(client.read_exactly(brief.size()) == brief);
  client.send(kGet);
  backend.read_head();
  const auto rest = body(1u << 20);
  std::thread sender([&] {
    backend.send("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + rest);
    backend.close();
  });
  std::string got = client.read_until("0\r\n\r\n");
  sender.join();
  EXPECT_GT(got.size(), rest.size());
  EXPECT_EQ(count("bytes_piped_total"), 0u);
}

TEST_F(ExchangePipeTest, ABackendThatBreaksOffLeavesTheClientWithWhatItSent) {
  start();
  auto client = connect();
  auto backend = ask(client, kGet);
  const auto sent = body(2u << 20);
  std::thread sender([&] {
    backend.send(head(sent.size() + 1) + sent);
    backend.close();
  });
  client.read_head();
  EXPECT_TRUE(client.read_all() == sent);
  sender.join();
  EXPECT_TRUE(counts(1, "exchanges_total", "backend_closed"));
}

TEST_F(ExchangePipeTest, WhatAClientThatLeavesHasNotTakenReachesNobodyElse) {
  start();
  for (int round = 0; round < 10; ++round) {
    auto leaver = connect();
    auto backend = ask(leaver, kGet);
    const std::string unread(32u << 20, 'U');
    std::thread sender([&] { backend.send(head(unread.size()) + unread); });
    leaver.read_exactly(1u << 20);
    leaver.reset();
    sender.join();

    auto client = connect();
    auto next = ask(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    const auto sent = body(1u << 20);
    std::thread next_sender([&] { next.send(head(sent.size()) + sent); });
    client.read_head();
    EXPECT_TRUE(client.read_all() == sent);
    next_sender.join();
  }
  EXPECT_TRUE(counts(10, "exchanges_total", "client_gone"));
}

TEST_F(ExchangePipeTest, BytesBehindTheBodyAreNobodysAnswer) {
  start();
  auto client = connect();
  auto backend = ask(client, kGet);
  const auto sent = body(1u << 20);
  std::thread sender([&] { backend.send(head(sent.size()) + sent + kOk); });
  client.read_head();
  EXPECT_TRUE(client.read_exactly(sent.size()) == sent);
  sender.join();
  auto next = ask(client, kGet);
  next.send("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n");
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 404 "));
  backend.read_all();
}

TEST_F(ExchangePipeTest, AClientOfHttp10GetsTheSame) {
  start();
  auto client = connect();
  auto backend = ask(client, "GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  const auto sent = body(1u << 20);
  std::thread sender([&] { backend.send(head(sent.size()) + sent); });
  client.read_head();
  EXPECT_TRUE(client.read_all() == sent);
  sender.join();
  EXPECT_GT(count("bytes_piped_total"), 0u);
}

TEST_F(ExchangePipeTest, ABackendThatResetsLeavesNoneForWhole) {
  start();
  auto client = connect();
  auto backend = ask(client, kGet);
  const auto sent = body(1u << 20);
  std::thread sender([&] {
    backend.send(head(2 * sent.size()) + sent);
    backend.reset();
  });
  client.read_head();
  EXPECT_LE(client.read_all().size(), sent.size());
  sender.join();
  EXPECT_TRUE(counts(1, "exchanges_total", "backend_closed"));
}

TEST_F(ExchangePipeTest, WhereThereIsNoPipeItIsCopied) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan, which comes with it, looks at objects through a pipe of its own";
#endif
  start();
  auto client = connect();
  auto backend = ask(client, kGet);
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none_left = before;
  none_left.rlim_cur = 3;  // those that are open stay
  ::setrlimit(RLIMIT_NOFILE, &none_left);
  const auto sent = body(1u << 20);
  std::thread sender([&] { backend.send(head(sent.size()) + sent); });
  client.read_head();
  const auto got = client.read_exactly(sent.size());
  sender.join();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(got == sent);
  EXPECT_EQ(count("bytes_piped_total"), 0u);
}

}  // namespace
}  // namespace headgate::shard
