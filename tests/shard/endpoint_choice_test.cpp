// SPDX-License-Identifier: Apache-2.0
// Which backend real exchanges reach: passive ejection, affinity, keys and priorities from the socket on.
#include <fstream>
#include <sstream>

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

class EndpointChoiceTest : public ShardFixture {
 protected:
  contract::Pool both() { return pool({backend_.port(), other_.port()}); }

  // One request with `fields`; 0 or 1: which backend answered it, with `answer`. Each on a new connection.
  int ask(const std::string& fields = {}, const std::string& answer = "200 OK") {
    auto client = connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    await([&] { return backend_.has_waiting() || other_.has_waiting(); });
    const int which = backend_.has_waiting() ? 0 : 1;
    auto backend = which == 0 ? backend_.accept() : other_.accept();
    backend.read_head();
    backend.send("HTTP/1.1 " + answer + "\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
    response_ = client.read_until("\r\n\r\nok");
    return which;
  }
  std::string cookie() const {
    const auto begin = response_.find("set-cookie: ");
    return begin == std::string::npos ? ""
                                      : response_.substr(begin + 12, response_.find(';', begin) - begin - 12);
  }

  ListeningPeer other_;
  std::string response_;
};

TEST_F(EndpointChoiceTest, ABackendThatFailsInARowIsPassedOver) {
  auto backends = both();
  backends.outlier = contract::Outlier{.consecutive_5xx = 1};
  start(backends);
  const int failed = ask("", "500 Oops");
  for (int request = 0; request < 6; ++request) EXPECT_EQ(ask(), 1 - failed);
  EXPECT_TRUE(counts(1, "upstream_ejections_total"));
  ask("", "500 Oops");
  EXPECT_TRUE(counts(1, "upstream_ejections_spared_total")) << "one of two is the cap";
  ask();
  stop();
  std::ifstream file(log_path_);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(R"("ejected":true)"), std::string::npos);
}

TEST_F(EndpointChoiceTest, ABackendThatRefusesConnectionsIsSoonNotAskedAnyMore) {
  const RefusingPort refusing;
  auto backends = pool({refusing.port(), backend_.port()});
  backends.outlier = contract::Outlier{.consecutive_connect_failures = 2};
  start(backends);
  for (int request = 0; request < 10; ++request) EXPECT_EQ(ask(), 0);
  EXPECT_TRUE(counts(2, "upstream_connect_failures_total"));
}

TEST_F(EndpointChoiceTest, ACookieBringsTheClientBack) {
  affinity_ = contract::CookieAffinity{.name = "stay"};
  start(both());
  const int first = ask();
  const auto given = cookie();
  ASSERT_TRUE(given.starts_with("stay=")) << response_;
  EXPECT_NE(response_.find("; Path=/; HttpOnly; SameSite=Lax\r\n"), std::string::npos) << response_;
  for (int request = 0; request < 4; ++request) {
    EXPECT_EQ(ask("Cookie: x=1; " + given + "\r\n"), first);
    EXPECT_EQ(cookie(), "") << "it has it already";
  }
  auto backends = both();
  backends.backends[static_cast<std::size_t>(first)].drain = true;
  apply(whole(backends));
  EXPECT_EQ(ask("Cookie: " + given + "\r\n"), first) << "draining keeps who was there";
  EXPECT_EQ(ask(), 1 - first);
  backends.backends.erase(backends.backends.begin() + first);
  apply(whole(backends));
  EXPECT_EQ(ask("Cookie: " + given + "\r\n"), 1 - first);
  EXPECT_TRUE(cookie().starts_with("stay="));
  EXPECT_NE(cookie(), given) << "and is told where it is now";
}

TEST_F(EndpointChoiceTest, AKeyReachesOneBackendAndKeysReachAll) {
  auto backends = both();
  backends.algorithm = contract::Algorithm::kMaglev;
  backends.hash = {.source = contract::HashSource::kHeader, .name = "x-user"};
  start(backends);
  int seen[2] = {0, 0};
  for (int user = 0; user < 24; ++user) {
    const auto field = "X-User: user-" + std::to_string(user) + "\r\n";
    const int first = ask(field);
    EXPECT_EQ(ask(field), first);
    ++seen[first];
  }
  EXPECT_GT(seen[0], 0);
  EXPECT_GT(seen[1], 0);
}

TEST_F(EndpointChoiceTest, TheNextPriorityIsTriedWhereTheFirstCannotBeReached) {
  const RefusingPort refusing;
  auto backends = pool({refusing.port(), backend_.port(), other_.port()});
  backends.backends[1].priority = backends.backends[2].priority = 1;
  start(backends);
  const int first = ask();
  EXPECT_EQ(ask(), 1 - first) << "which is balanced as well";
}

}  // namespace
}  // namespace headgate::shard
