// SPDX-License-Identifier: Apache-2.0
// The filter `mirror`, as the client, its backend and the mirror's see it.
#include "dataplane/shard/mirror.hpp"

#include <gmock/gmock.h>

#include "tests/shard/shard_fixture.hpp"
#include "tests/support/http2_peer.hpp"

namespace headgate::shard {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::Http2Peer;

class MirrorTest : public ShardFixture {
 protected:
  static constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  static constexpr const char* kGet = "GET /x?q=1 HTTP/1.1\r\nHost: a\r\nX-Own: 1\r\n\r\n";

  contract::Pool mirror_pool(uint16_t port) {
    auto made = pool({port});
    made.uid = "p2";
    made.name = "shadow";
    return made;
  }
  void start_with(const contract::Pool& mirrored_to, uint32_t percent = 100) {
    rule_filters_.emplace().mirror = {{.pool = "p2", .percent = percent}};
    start_with_mirrors(mirrored_to);
  }
  void start_with_mirrors(const contract::Pool& mirrored_to) {
    start();
    apply(delta({settings_, web_listener(), route(), pool({backend_.port()}), mirrored_to}));
  }
  // The main exchange of a request that is sent already.
  std::string serve(SocketPeer& client) {
    if (!main_) main_ = backend_.accept();
    const auto head = main_.read_head();
    main_.send(kOk);
    EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
    return head;
  }
  void expect_law() {
    await([&] {
      return count("mirrors_total") ==
             count("mirrors_answered_total") + count("mirrors_failed_total") + count("mirrors_cut_off_total");
    });
  }

  ListeningPeer shadow_;
  SocketPeer main_{UniqueFd()};
};

TEST_F(MirrorTest, TheSameRequestGoesToBoth) {
  start_with(mirror_pool(shadow_.port()));
  auto client = connect();
  client.send(kGet);
  const auto head = serve(client);
  auto shadow = shadow_.accept();
  EXPECT_EQ(shadow.read_head(), head) << "with its Host and all";
  EXPECT_THAT(head, StartsWith("GET /x?q=1 HTTP/1.1\r\nhost: a\r\n"));
  shadow.send("HTTP/1.1 500 Never Seen\r\ncontent-length: 5\r\n\r\nnever");
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
  client.send(kGet);
  serve(client);
  EXPECT_THAT(shadow.read_head(), StartsWith("GET /x?q=1 ")) << "its connection is kept";
  shadow.send(kOk);
  EXPECT_TRUE(counts(2, "mirrors_answered_total"));
  expect_law();
}

TEST_F(MirrorTest, ItsBodyToo) {
  start_with(mirror_pool(shadow_.port()));
  std::string body;
  for (int i = 0; body.size() < 100'000; ++i) body += std::to_string(i) + ",";
  auto client = connect();
  const auto begin =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  std::thread sending([&] { client.send(begin + body); });
  auto main = backend_.accept();
  main.read_head();
  EXPECT_EQ(main.read_exactly(body.size()), body);
  sending.join();
  auto shadow = shadow_.accept();
  EXPECT_THAT(shadow.read_head(), HasSubstr("content-length: " + std::to_string(body.size()) + "\r\n"));
  EXPECT_EQ(shadow.read_exactly(body.size()), body);
  main.send(kOk);
  client.read_until("ok");
  shadow.send(kOk);
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
}

TEST_F(MirrorTest, ABodyInPiecesEndsForBoth) {
  start_with(mirror_pool(shadow_.port()));
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  auto main = backend_.accept();
  main.read_until("abc\r\n");
  auto shadow = shadow_.accept();
  shadow.read_until("abc\r\n");
  client.send("2\r\nde\r\n0\r\n\r\n");
  EXPECT_THAT(main.read_until("0\r\n\r\n"), EndsWith("de\r\n0\r\n\r\n"));
  EXPECT_THAT(shadow.read_until("0\r\n\r\n"), EndsWith("de\r\n0\r\n\r\n"));
  main.send(kOk);
  client.read_until("ok");
  shadow.send(kOk);
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
}

TEST_F(MirrorTest, ABufferedBodyToo) {
  auto& filters = rule_filters_.emplace();
  filters.buffer_request = contract::BufferRequest{.max_bytes = 1000};
  filters.mirror = {{.pool = "p2", .percent = 100}};
  start_with_mirrors(mirror_pool(shadow_.port()));
  auto client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  client.send("def");
  auto main = backend_.accept();
  EXPECT_THAT(main.read_until("abcdef"), EndsWith("abcdef"));
  auto shadow = shadow_.accept();
  EXPECT_THAT(shadow.read_until("abcdef"), EndsWith("abcdef"));
  main.send(kOk);
  client.read_until("ok");
  shadow.send(kOk);
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
}

TEST_F(MirrorTest, OneThatCantBeReachedIsNobodysBusiness) {
  RefusingPort refusing;
  start_with(mirror_pool(refusing.port()));
  auto client = connect();
  client.send(kGet);
  serve(client);
  EXPECT_TRUE(counts(1, "mirrors_failed_total"));
  EXPECT_EQ(count("responses_5xx_total"), 0u);
  expect_law();
}

TEST_F(MirrorTest, NorIsOneThatAnswersNonsenseOrCloses) {
  start_with(mirror_pool(shadow_.port()));
  auto client = connect();
  for (const std::string answer :
       {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhal", ""}) {
    client.send(kGet);
    serve(client);
    auto shadow = shadow_.accept();
    shadow.read_head();
    shadow.send(answer);
  }
  EXPECT_TRUE(counts(3, "mirrors_failed_total"));
}

TEST_F(MirrorTest, OneThatTakesNothingIsCutOffAndHoldsUpNobody) {
  start_with(mirror_pool(shadow_.port()));
  auto client = connect();
  const std::string body(32 << 20, 'x');  // more than the kernel's buffers and ours together
  std::thread sending([&] {
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body);
  });
  auto main = backend_.accept();
  main.read_head();
  EXPECT_EQ(main.read_exactly(body.size()).size(), body.size());
  sending.join();
  main.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(counts(1, "mirrors_cut_off_total"));
  expect_law();
}

TEST_F(MirrorTest, WithAnExchangeThatEndsInsideItsBodyItEnds) {
  start_with(mirror_pool(shadow_.port()));
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  auto shadow = shadow_.accept();
  shadow.read_until("abc");
  client.reset();
  EXPECT_TRUE(counts(1, "mirrors_cut_off_total"));
  EXPECT_EQ(shadow.read_all(), "");
  expect_law();
}

TEST_F(MirrorTest, AnAnswerBeforeTheBodysEndEndsItAlone) {
  start_with(mirror_pool(shadow_.port()));
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  auto shadow = shadow_.accept();
  shadow.read_until("abc");
  shadow.send("HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n");
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
  client.send("def");
  auto main = backend_.accept();
  EXPECT_THAT(main.read_until("abcdef"), EndsWith("abcdef"));
  main.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(MirrorTest, WhereThePoolsBreakerIsOpenThereIsNone) {
  auto full = mirror_pool(shadow_.port());
  full.circuit_breaker.requests_max = 1;
  start_with(full);
  auto client = connect();
  client.send(kGet);
  serve(client);
  auto shadow = shadow_.accept();  // does not answer yet
  client.send(kGet);
  serve(client);
  EXPECT_TRUE(counts(1, "mirrors_failed_total"));
  shadow.read_head();
  shadow.send(kOk);
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
}

TEST_F(MirrorTest, ARetryOfTheExchangeIsNoSecondCopy) {
  retry_ =
      contract::Retry{.attempts = 1, .on = {}, .statuses = {{503, 503}}, .backoff_base = contract::Millis(1)};
  start_with(mirror_pool(shadow_.port()));
  auto client = connect();
  client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  auto main = backend_.accept();
  for (const char* answer : {"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n", kOk}) {
    EXPECT_THAT(main.read_until("abc"), EndsWith("abc"));
    main.send(answer);
  }
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
  auto shadow = shadow_.accept();
  EXPECT_THAT(shadow.read_until("abc"), EndsWith("\r\n\r\nabc"));
  shadow.send(kOk);
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
  EXPECT_EQ(count("mirrors_total"), 1u);
}

TEST_F(MirrorTest, OfNoPercentNoneIsMade) {
  start_with(mirror_pool(shadow_.port()), 0);
  auto client = connect();
  client.send(kGet);
  serve(client);
  EXPECT_EQ(count("mirrors_total"), 0u);
}

// 200 throws of a coin: seven standard deviations from the half nobody gets.
TEST_F(MirrorTest, OfFiftyPercentHalfAreMade) {
  start_with(mirror_pool(shadow_.port()), 50);
  auto client = connect();
  for (int i = 0; i < 200; ++i) {
    client.send(kGet);
    serve(client);
  }
  EXPECT_GT(count("mirrors_total"), 50u);
  EXPECT_LT(count("mirrors_total"), 150u);
}

TEST_F(MirrorTest, SeveralGetEachItsCopyAndOneThatHangsHoldsUpNoOther) {
  ListeningPeer hanging;
  auto third = mirror_pool(hanging.port());
  third.uid = "p3";
  third.name = "hanging";
  rule_filters_.emplace().mirror = {{.pool = "p2", .percent = 100}, {.pool = "p3", .percent = 100}};
  start();
  apply(delta(
      {settings_, web_listener(), route(), pool({backend_.port()}), mirror_pool(shadow_.port()), third}));
  auto client = connect();
  client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  auto main = backend_.accept();
  main.read_until("abc");
  main.send(kOk);
  EXPECT_THAT(client.read_until("ok"), StartsWith("HTTP/1.1 200 "));
  auto shadow = shadow_.accept();
  EXPECT_THAT(shadow.read_until("abc"), StartsWith("POST /x HTTP/1.1\r\n"));
  shadow.send(kOk);
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
  EXPECT_THAT(hanging.accept().read_until("abc"), StartsWith("POST /x HTTP/1.1\r\n"));
  EXPECT_TRUE(counts(1, "mirrors_failed_total"));  // it closed without an answer
  EXPECT_EQ(count("mirrors_total"), 2u);
}

// On one entry of a forward: a copy of what goes there, and of nothing else.
TEST_F(MirrorTest, OfOneEntryItMirrorsThatOnesShare) {
  start();
  auto shared = route();
  auto& forward = shared.rules[0].forward;
  forward.push_back(forward[0]);
  contract::Filters filters;
  filters.mirror = {{.pool = "p2", .percent = 100}};
  forward[0].filters = contract::Boxed<contract::Filters>(filters);
  apply(delta({settings_, web_listener(), shared, pool({backend_.port()}), mirror_pool(shadow_.port())}));
  auto client = connect();
  for (int i = 0; i < 10; ++i) {
    client.send(kGet);
    serve(client);
  }
  EXPECT_EQ(count("mirrors_total"), 5u);
}

TEST_F(MirrorTest, OverHttp2AsWell) {
  auto made = mirror_pool(shadow_.port());
  made.protocol = contract::PoolProtocol::kH2c;
  start_with(made);
  auto client = connect();
  client.send("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  auto main = backend_.accept();
  main.read_until("abc");
  main.send(kOk);
  client.read_until("ok");
  Http2Peer shadow(Http2Peer::Role::kServer, shadow_.accept());
  const int32_t id = shadow.accept();
  ASSERT_TRUE(shadow.await([&] { return shadow.message(id).ended; }));
  EXPECT_EQ(shadow.message(id).field(":path"), "/up");
  EXPECT_EQ(shadow.message(id).body, "abc");
  shadow.respond(id, {{":status", "204"}});
  EXPECT_TRUE(counts(1, "mirrors_answered_total"));
}

TEST_F(MirrorTest, OneThatIsOnItsWayWhenTheShardStopsIsCutOff) {
  start_with(mirror_pool(shadow_.port()));
  auto client = connect();
  client.send(kGet);
  serve(client);
  auto shadow = shadow_.accept();
  shadow.read_head();
  client.close();
  stop();
  EXPECT_EQ(shadow.read_all(), "");
}

}  // namespace
}  // namespace headgate::shard
