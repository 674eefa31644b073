// SPDX-License-Identifier: Apache-2.0
// Exchange: framing, byte for byte, as both sides see it.
#include "dataplane/shard/exchange.hpp"

#include "tests/shard/shard_fixture.hpp"

namespace headgate::shard {
namespace {

class ExchangeTest : public ShardFixture {};

constexpr const char* kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

TEST_F(ExchangeTest, TheBackendGetsTheModelAndNothingElse) {
  start();
  auto client = connect();
  client.send(
      "GET http://App.Example/a/%7euser/../x?q=1 HTTP/1.1\r\nHost: other\r\nX-Custom:   v  \r\nConnection: "
      "keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Forwarded-For: 6.6.6.6\r\nUpgrade: h2c\r\n\r\n");
  auto backend = backend_.accept();
  const std::string head = backend.read_head();
  EXPECT_EQ(without_line(head, "x-request-id"),
            "GET /a/x?q=1 HTTP/1.1\r\nhost: app.example\r\nx-custom: v\r\nx-forwarded-for: "
            "127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: app.example\r\nx-forwarded-port: " +
                std::to_string(port_) + "\r\n\r\n");
  EXPECT_NE(head.find("x-request-id: "), std::string::npos);
  backend.send(
      "HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-Back: 1\r\nConnection: x-private\r\nX-Private: 2\r\nKeep-"
      "Alive: timeout=5\r\n\r\nok");
  EXPECT_EQ(without_date(client.read_head()), "HTTP/1.1 200 Fine\r\nx-back: 1\r\ncontent-length: 2\r\n\r\n");
  EXPECT_EQ(client.read_exactly(2), "ok");
}

TEST_F(ExchangeTest, WhatIsMalformedGets400AndACloseAndReachesNoBackend) {
  start();
  const std::string cases[]{
      "GET / HTTP/1.1\nHost: a\n\n",
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
      "\x16\x03\x01\x02\n",
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  };
  for (const auto& bytes : cases) {
    auto client = connect();
    client.send(bytes + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << bytes << "\n" << answer;
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
    EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
  }
  // The last one has a head that is in order: its body breaks the rules.
  auto backend = backend_.accept();
  EXPECT_TRUE(backend.read_all().find("smuggled") == std::string::npos);
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(ExchangeTest, LimitsAnswerByTheirStatus) {
  settings_.target_bytes_max = 100;
  settings_.header_bytes_max = 1000;
  settings_.header_count_max = 5;
  settings_.body_bytes_max = 10;
  start();
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n";
  const std::pair<std::string, const char*> cases[]{
      {"GET /" + std::string(100, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n", "414"},
      {"GET /" + std::string(3000, 'a'), "414"},
      {get + "X: " + std::string(1000, 'x') + "\r\n\r\n", "431"},
      {get + "X: " + std::string(3000, 'x'), "431"},
      {get + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n", "431"},
      {get + "Content-Length: 11\r\n\r\n", "413"},
      {get + "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n", "417"},
      {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
      {"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", "501"},
      {"GET /a%00b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "400"},
      {"GET /a%2Fb HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "400"},
  };
  for (const auto& [bytes, status] : cases) {
    auto client = connect();
    client.send(bytes);
    EXPECT_EQ(client.read_all().substr(9, 3), status) << bytes.substr(0, 60);
  }
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(ExchangeTest, AChunkedBodyOverTheLimitIsRefusedOnItsWay) {
  settings_.body_bytes_max = 10;
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n");
  auto backend = backend_.accept();
  EXPECT_EQ(backend.read_until("8\r\n12345678\r\n").substr(0, 5), "POST ");
  client.send("8\r\n12345678\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_all().substr(9, 3), "413");
  backend.read_all();
}

TEST_F(ExchangeTest, ConnectionsAreKeptOnBothSides) {
  start();
  auto client = connect();
  client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  for (int request = 1; request <= 3; ++request) {
    EXPECT_TRUE(backend.read_head().starts_with("GET /" + std::to_string(request) + " "));
    backend.send(kOk);
    EXPECT_TRUE(client.read_until("\r\n\r\nok").starts_with("HTTP/1.1 200 OK\r\n"));
    if (request < 3) client.send("GET /" + std::to_string(request + 1) + " HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  EXPECT_FALSE(backend_.has_waiting());
  EXPECT_TRUE(counts(1, "upstream_connects_total"));
  EXPECT_TRUE(counts(2, "upstream_reuses_total"));
}

TEST_F(ExchangeTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  auto client = connect();
  client.send(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: nobody\r\n\r\nPOST "
      "/2 "
      "HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /3 HTTP/1.1\r\nHost: "
      "a\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_TRUE(backend.read_until("\r\n\r\nabc").starts_with("POST /1 "));
  backend.send(kOk);
  EXPECT_TRUE(backend.read_until("\r\n\r\n1\r\nx\r\n0\r\n\r\n").starts_with("POST /2 "));
  backend.send(kOk);
  EXPECT_TRUE(backend.read_head().starts_with("GET /3 "));
  backend.send(kOk);
  for (const char* status : {"200", "404", "200", "200"}) {
    const std::string head = client.read_head();
    EXPECT_EQ(head.substr(9, 3), status);
    client.read_exactly(
        std::string_view(status) == "200" ? 2 : std::stoul(head.substr(head.find("length: ") + 8)));
  }
}

TEST_F(ExchangeTest, AThousandPipelinedRequestsNestNothing) {
  start();
  auto client = connect();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n";
  client.send(requests);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(client.read_until("no_rule\n").substr(9, 3), "404") << i;
}

TEST_F(ExchangeTest, AChunkedBodyIsFramedAnewAndKeepsItsTrailers) {
  start();
  auto client = connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: "
      "1\r\nContent-Length: 9\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_NE(backend.read_head().find("\r\ntransfer-encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(backend.read_until("\r\n\r\n"), "5\r\nabcde\r\n0\r\nx-sum: 1\r\n\r\n");
  backend.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a\r\nhi\r\n1\r\n!\r\n0\r\nX-After: 2\r\n\r\n");
  EXPECT_NE(client.read_head().find("\r\ntransfer-encoding: chunked\r\n"), std::string::npos);
  EXPECT_EQ(client.read_until("\r\n\r\n"), "3\r\nhi!\r\n0\r\nx-after: 2\r\n\r\n");
}

constexpr const char* kTellsOfClientInTrailers =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Real-IP: 6.6.6.6\r\n"
    "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Client-Cert: c\r\nGrpc-Status: 0\r\nX-Sum: 1\r\n\r\n";

TEST_F(ExchangeTest, NothingThatAClientSaysOfItselfPassesBehindItsBody) {
  start();
  auto client = connect();
  client.send(kTellsOfClientInTrailers);
  auto backend = backend_.accept();
  backend.read_head();
  EXPECT_EQ(backend.read_until("\r\n\r\n"), "2\r\nhi\r\n0\r\ngrpc-status: 0\r\nx-sum: 1\r\n\r\n");
  // A backend may: it says it to the client.
  backend.send(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Real-IP: 1.1.1.1\r\n"
      "Grpc-Status: 0\r\nGrpc-Message: fine\r\n\r\n");
  client.read_head();
  EXPECT_EQ(client.read_until("\r\n\r\n"),
            "2\r\nok\r\n0\r\nx-real-ip: 1.1.1.1\r\ngrpc-status: 0\r\ngrpc-message: fine\r\n\r\n");
}

TEST_F(ExchangeTest, ATrustedProxysOwnNamesPassBehindTheBodyAsInTheHead) {
  trusted_ = {*Prefix::parse("127.0.0.0/8")};
  start();
  auto client = connect();
  client.send(kTellsOfClientInTrailers);
  auto backend = backend_.accept();
  backend.read_head();
  EXPECT_EQ(backend.read_until("\r\n\r\n"),
            "2\r\nhi\r\n0\r\nx-forwarded-client-cert: c\r\ngrpc-status: 0\r\nx-sum: 1\r\n\r\n");
}

TEST_F(ExchangeTest, AMalformedTrailerSectionGets400AndACloseAndTheBackendNoEnd) {
  start();
  std::string too_many;
  for (uint32_t i = 0; i <= settings_.header_count_max; ++i) too_many += "X: y\r\n";
  const std::string cases[]{"X-Sum: 1\r\nX : y\r\n", "X: y\r\n folded\r\n", "X: a\x01\r\n", ": y\r\n",
                            "nothing\r\n",           "X: a\rb\r\n",         too_many};
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
  for (const auto& trailers : cases) {
    const std::string rest = "0\r\n" + trailers + "\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const bool at_once : {true, false}) {
      auto client = connect();
      client.send(at_once ? head + rest : head);
      auto backend = backend_.accept();
      if (!at_once) {
        backend.read_until("2\r\nhi\r\n");
        client.send(rest);
      }
      const std::string answer = client.read_all();
      EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 Bad Request\r\n")) << trailers << "\n" << answer;
      EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
      EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos) << answer;
      const std::string got = backend.read_all();
      EXPECT_EQ(got.find("\r\n0\r\n"), std::string::npos) << got;
      EXPECT_EQ(got.find("smuggled"), std::string::npos) << got;
    }
  }
  EXPECT_TRUE(counts(2 * std::size(cases), "malformed_total", "trailer"));
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(ExchangeTest, BehindAMalformedTrailerSectionThatNobodyWantedNothingIsRead) {
  start();
  auto client = connect();
  client.send(
      "POST / HTTP/1.1\r\nHost: nobody\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX : y\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 404 ")) << answer;
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos) << answer;
  EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
  EXPECT_FALSE(backend_.has_waiting());
}

TEST_F(ExchangeTest, AResponseWithAMalformedTrailerSectionIsNeverMadeWhole) {
  start();
  const std::string head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
  const std::string rest = "0\r\nGrpc-Status: 0\r\nX : y\r\n\r\n";
  for (const bool at_once : {true, false}) {
    auto client = connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto backend = backend_.accept();
    backend.read_head();
    backend.send(at_once ? head + rest : head);
    if (!at_once) {
      client.read_until("abc\r\n");
      backend.send(rest);
    }
    const std::string got = client.read_all();
    EXPECT_EQ(got.find("0\r\n\r\n"), std::string::npos) << got;
    EXPECT_EQ(got.find("grpc-status"), std::string::npos) << got;
    EXPECT_TRUE(backend.at_end());
  }
  EXPECT_TRUE(counts(2, "exchanges_total", "backend_malformed"));
}

TEST_F(ExchangeTest, ABodyWithoutLengthEndsWithTheBackendsConnection) {
  start();
  auto modern = connect();
  modern.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.0 200 OK\r\n\r\nbody");
  backend.close();
  EXPECT_NE(modern.read_head().find("transfer-encoding: chunked"), std::string::npos);
  EXPECT_EQ(modern.read_until("0\r\n\r\n"), "4\r\nbody\r\n0\r\n\r\n");

  auto old = connect();
  old.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n");
  const std::string answer = old.read_all();
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
  EXPECT_EQ(answer.find("transfer-encoding"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\nbody"));
}

TEST_F(ExchangeTest, HttpOneZeroIsKeptAliveWhereItAsks) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_TRUE(backend.read_head().starts_with("GET / HTTP/1.1\r\n"));
  backend.send(kOk);
  EXPECT_NE(client.read_until("ok").find("connection: keep-alive\r\n"), std::string::npos);
  client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  backend.read_head();
  backend.send(kOk);
  EXPECT_NE(client.read_all().find("connection: close\r\n"), std::string::npos);
}

TEST_F(ExchangeTest, HeadAndStatusesWithoutABodyHaveNone) {
  start();
  auto client = connect();
  SocketPeer backend;
  const std::pair<std::string, std::string> cases[]{
      {"HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n"},
      {"GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 1000\r\n\r\n"},
  };
  for (const auto& [method, answer] : cases) {
    client.send(method + " / HTTP/1.1\r\nHost: a\r\n\r\n");
    if (!backend) backend = backend_.accept();
    backend.read_head();
    backend.send(answer);
    EXPECT_EQ(without_date(client.read_head()), answer);
  }
  EXPECT_TRUE(counts(1, "upstream_connects_total"));
}

TEST_F(ExchangeTest, ExpectAndInterimResponsesPass) {
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  auto backend = backend_.accept();
  EXPECT_NE(backend.read_head().find("\r\nexpect: 100-continue\r\n"), std::string::npos);
  EXPECT_FALSE(client.readable_within(0));
  backend.send("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("data");
  EXPECT_EQ(backend.read_exactly(4), "data");
  backend.send(std::string("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n") + kOk);
  EXPECT_EQ(client.read_head(), "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));

  auto old = connect();
  old.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
  backend.read_head();
  backend.send(std::string("HTTP/1.1 103 Early Hints\r\n\r\n") + kOk);
  EXPECT_TRUE(old.read_all().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ExchangeTest, AnEarlyResponseEndsTheUpload) {
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst");
  auto backend = backend_.accept();
  backend.read_until("first");
  backend.send("HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
  EXPECT_NE(answer.find("connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("no"));
  EXPECT_TRUE(backend.at_end());
}

TEST_F(ExchangeTest, AnEarlyResponseArrivesThoughTheBackendHasReset) {
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send("HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno");
  backend.close();  // with unread bytes that are still to come: a reset
  const std::string piece(100'000, 'x');
  std::thread upload([&] {
    while (client.send(piece)) {
    }
  });
  const std::string answer = client.read_until("\r\n\r\nno");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  ::shutdown(client.fd(), SHUT_RDWR);
  upload.join();
}

TEST_F(ExchangeTest, AClientThatEndsItsSideStillGetsTheAnswer) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  client.shutdown_write();
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(kOk);
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nok"));
}

TEST_F(ExchangeTest, AClientThatEndsInsideItsBodyIsGone) {
  start();
  auto client = connect();
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  client.shutdown_write();
  auto backend = backend_.accept();
  EXPECT_TRUE(backend.read_all().ends_with("\r\n\r\nabc"));
  EXPECT_TRUE(client.at_end());
  EXPECT_TRUE(counts(1, "exchanges_total", "client_gone"));
}

TEST_F(ExchangeTest, AResetClientTakesItsExchangeAlong) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  client.reset();
  EXPECT_TRUE(backend.at_end());
}

TEST_F(ExchangeTest, ATruncatedResponseIsNeverMadeWhole) {
  start();
  for (const char* answer : {"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
                             "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nabc"}) {
    auto client = connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    auto backend = backend_.accept();
    backend.read_head();
    backend.send(answer);
    backend.close();
    const std::string got = client.read_all();
    EXPECT_NE(got.find("abc"), std::string::npos);
    EXPECT_EQ(got.find("0\r\n\r\n", got.find("abc")), std::string::npos);
  }
  EXPECT_TRUE(counts(2, "exchanges_total", "backend_closed"));
}

TEST_F(ExchangeTest, AMalformedResponseIsA502) {
  start();
  for (const char* answer :
       {"nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        "HTTP/1.1 200 OK\nx: y\n\n", ""}) {
    auto client = connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    auto backend = backend_.accept();
    backend.read_head();
    backend.send(answer);
    backend.close();
    EXPECT_EQ(client.read_head().substr(9, 3), "502") << answer;
  }
}

TEST_F(ExchangeTest, BytesBehindAResponseAreNobodysAnswer) {
  start();
  auto client = connect();
  client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  auto first = backend_.accept();
  first.read_head();
  first.send(std::string(kOk) + "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
  client.read_until("ok");
  client.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
  auto second = backend_.accept();
  EXPECT_TRUE(second.read_head().starts_with("GET /2 "));
  second.send(kOk);
  EXPECT_EQ(client.read_until("ok").find("poison"), std::string::npos);
}

// However the reads fall on a body's end, both connections serve the next request.
TEST_F(ExchangeTest, BodiesOfEverySizeLeaveCleanConnections) {
  start();
  auto client = connect();
  SocketPeer backend;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, limits::kSmallBlockBytes, limits::kLargeBlockBytes,
        limits::kLargeBlockBytes + 1, 3 * limits::kLargeBlockBytes}) {
    const std::string body(size, 'b');
    const std::string length = "content-length: " + std::to_string(size) + "\r\n\r\n";
    std::thread upload(
        [&] { client.send("POST / HTTP/1.1\r\nhost: a\r\n" + length + body + "GET /n HTTP/1.1\r\n"); });
    if (!backend) backend = backend_.accept();
    backend.read_head();
    EXPECT_EQ(backend.read_exactly(size), body);
    upload.join();
    std::thread download([&] { backend.send("HTTP/1.1 200 OK\r\n" + length + body); });
    client.read_head();
    EXPECT_EQ(client.read_exactly(size), body);
    download.join();
    client.send("host: a\r\n\r\n");
    EXPECT_TRUE(backend.read_head().starts_with("GET /n "));
    backend.send(kOk);
    client.read_until("ok");
  }
  EXPECT_TRUE(counts(1, "upstream_connects_total"));
}

TEST_F(ExchangeTest, AWebsocketIsATunnelOnceTheBackendAgrees) {
  start();
  auto client = connect();
  client.send(
      "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: "
      "k\r\n\r\nEARLY");
  auto backend = backend_.accept();
  const std::string head = backend.read_head();
  EXPECT_NE(head.find("connection: upgrade\r\nupgrade: websocket\r\n"), std::string::npos);
  EXPECT_FALSE(backend.readable_within(20));  // what the client said too early waits for the 101
  backend.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello");
  EXPECT_EQ(client.read_head(),
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
  EXPECT_EQ(client.read_exactly(5), "hello");
  EXPECT_EQ(backend.read_exactly(5), "EARLY");
  client.send("ping");
  EXPECT_EQ(backend.read_exactly(4), "ping");
  client.shutdown_write();
  EXPECT_TRUE(backend.at_end());
  backend.send("bye");
  backend.close();
  EXPECT_EQ(client.read_all(), "bye");
}

TEST_F(ExchangeTest, ARefusedUpgradeIsAnOrdinaryResponse) {
  start();
  auto client = connect();
  client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  auto backend = backend_.accept();
  backend.read_head();
  backend.send(kOk);
  client.read_until("ok");
  client.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(backend.read_head().starts_with("GET /next "));
  backend.send(kOk);
  client.read_until("ok");
}

}  // namespace
}  // namespace headgate::shard
