// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http1/head_parser.hpp"

#include <string>

#include <gtest/gtest.h>

#include "dataplane/shard/http1/head_scanner.hpp"

namespace headgate::shard::http1 {
namespace {

using namespace std::string_literals;
using l7::BodyFraming;

// Owns the bytes that the model's views point into.
struct ParsedRequest {
  std::string bytes;
  Arena arena;
  l7::RequestHead model;
  Fault fault = Fault::kNone;

  explicit ParsedRequest(std::string text, const HeadLimits& limits = {}) : bytes(std::move(text)) {
    HeadScanner scanner;
    switch (scanner.scan(bytes)) {
      case HeadScanner::State::kRefused:
        fault = Fault::kBareLineFeed;
        return;
      case HeadScanner::State::kPartial:
        ADD_FAILURE() << "no end: " << bytes;
        return;
      case HeadScanner::State::kWhole:
        break;
    }
    EXPECT_EQ(scanner.end_bytes(), bytes.size());
    fault = parse_request(std::span(bytes).subspan(scanner.begin_bytes()), limits, arena, model);
  }
};

struct FaultCase {
  const char* description;
  std::string bytes;
  Fault fault;
};

std::string with_field(const std::string& field) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + field + "\r\n\r\n";
}
std::string with_target(const std::string& target) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
std::string with_host(const std::string& host) { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"; }

TEST(RequestParser, EveryRuleOfStrictness) {
  const std::vector<FaultCase> cases{
      {"plain", with_field("Accept: */*"), Fault::kNone},
      {"one empty line before", "\r\n" + with_field("A: b"), Fault::kNone},
      {"two empty lines before", "\r\n\r\n" + with_field("A: b"), Fault::kBareLineFeed},
      {"bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", Fault::kBareLineFeed},
      {"bare LF between fields", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", Fault::kBareLineFeed},
      {"bare CR in a value", with_field("X: a\rb"), Fault::kBareCarriageReturn},
      {"bare CR before CRLF", with_field("X: a\r"), Fault::kBareCarriageReturn},
      {"bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", Fault::kTarget},
      {"CR CR LF in place of the empty line", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n",
       Fault::kBareCarriageReturn},
      {"NUL in a value", with_field("X: a\0b"s), Fault::kHeaderValue},
      {"NUL in a name", with_field("X\0: b"s), Fault::kHeaderName},
      {"DEL in a value", with_field("X: \x7f"), Fault::kHeaderValue},
      {"control character in a value", with_field("X: \x01"), Fault::kHeaderValue},
      {"tab in a value", with_field("X: a\tb"), Fault::kNone},
      {"obs-text in a value", with_field("X: \xe4\xff"), Fault::kNone},
      {"obs-fold", with_field("X: a\r\n b"), Fault::kObsFold},
      {"obs-fold by a tab", with_field("X: a\r\n\tb"), Fault::kObsFold},
      {"space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", Fault::kObsFold},
      {"space before the colon", with_field("X : a"), Fault::kHeaderName},
      {"tab before the colon", with_field("X\t: a"), Fault::kHeaderName},
      {"empty name", with_field(": a"), Fault::kHeaderName},
      {"no colon", with_field("X"), Fault::kHeaderName},
      {"name that is no token", with_field("X(y): a"), Fault::kHeaderName},
      {"name with obs-text", with_field("X\xe4: a"), Fault::kHeaderName},
      {"empty value", with_field("X:"), Fault::kNone},

      {"no version", "GET /\r\nHost: a\r\n\r\n", Fault::kRequestLine},
      {"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", Fault::kRequestLine},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", Fault::kVersion},
      {"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", Fault::kVersion},
      {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", Fault::kRequestLine},
      {"two spaces after the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::kTarget},
      {"space at the end of the line", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Fault::kRequestLine},
      {"tab for a space", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", Fault::kRequestLine},
      {"space first", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::kMethod},
      {"method that is no token", "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::kMethod},
      {"unknown method", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n", Fault::kNone},

      {"space in the target", with_target("/a b"), Fault::kTarget},
      {"fragment", with_target("/a#b"), Fault::kTarget},
      {"control character in the target", with_target("/\x01"), Fault::kTarget},
      {"8-bit character in the target", with_target("/\xc3\xa4"), Fault::kTarget},
      {"relative target", with_target("a"), Fault::kTarget},
      {"asterisk of a GET", with_target("*"), Fault::kTarget},
      {"asterisk of OPTIONS", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Fault::kNone},
      {"absolute target", with_target("http://b:80/c?d"), Fault::kNone},
      {"absolute target, other scheme", with_target("ftp://b/"), Fault::kTarget},
      {"absolute target without authority", with_target("http:///c"), Fault::kTarget},
      {"absolute target with user information", with_target("http://u@b/"), Fault::kHost},
      {"authority target of CONNECT", "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", Fault::kNone},
      {"origin target of CONNECT", "CONNECT / HTTP/1.1\r\nHost: b\r\n\r\n", Fault::kHost},

      {"no Host on HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", Fault::kNoHost},
      {"no Host on HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", Fault::kNone},
      {"two Hosts", with_field("Host: a"), Fault::kSeveralHosts},
      {"two Hosts beside an absolute target", "GET http://c/ HTTP/1.1\r\nHost: a\r\nHost: c\r\n\r\n",
       Fault::kSeveralHosts},
      {"no Host beside an absolute target", "GET http://c/ HTTP/1.1\r\n\r\n", Fault::kNoHost},
      {"empty Host", with_host(""), Fault::kHost},
      {"user information in Host", with_host("u@a"), Fault::kHost},
      {"path in Host", with_host("a/b"), Fault::kHost},
      {"list in Host", with_host("a, b"), Fault::kHost},
      {"port out of range", with_host("a:65536"), Fault::kHost},
      {"port that is none", with_host("a:b"), Fault::kHost},
      {"IPv6 Host", with_host("[2001:db8::1]:8080"), Fault::kNone},
      {"IPv6 Host unclosed", with_host("[::1"), Fault::kHost},

      {"length", with_field("Content-Length: 5"), Fault::kNone},
      {"equal lengths", with_field("Content-Length: 5\r\nContent-Length: 5"), Fault::kNone},
      {"lengths that differ", with_field("Content-Length: 5\r\nContent-Length: 6"), Fault::kSeveralLengths},
      {"list of lengths", with_field("Content-Length: 5, 5"), Fault::kContentLength},
      {"signed length", with_field("Content-Length: +5"), Fault::kContentLength},
      {"negative length", with_field("Content-Length: -5"), Fault::kContentLength},
      {"hexadecimal length", with_field("Content-Length: 0x5"), Fault::kContentLength},
      {"empty length", with_field("Content-Length:"), Fault::kContentLength},
      {"length over 63 bits", with_field("Content-Length: 9223372036854775808"), Fault::kContentLength},
      {"chunked", with_field("Transfer-Encoding: chunked"), Fault::kNone},
      {"chunked in capitals", with_field("Transfer-Encoding: CHUNKED"), Fault::kNone},
      {"chunked twice", with_field("Transfer-Encoding: chunked, chunked"), Fault::kTransferEncoding},
      {"chunked in two fields", with_field("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
       Fault::kTransferEncoding},
      {"another coding before", with_field("Transfer-Encoding: gzip, chunked"), Fault::kTransferEncoding},
      {"identity", with_field("Transfer-Encoding: identity"), Fault::kTransferEncoding},
      {"vertical tab before chunked", with_field("Transfer-Encoding: \vchunked"), Fault::kHeaderValue},
      {"empty coding", with_field("Transfer-Encoding:"), Fault::kTransferEncoding},
      {"length and chunked", with_field("Content-Length: 5\r\nTransfer-Encoding: chunked"),
       Fault::kLengthAndEncoding},
      {"chunked and length", with_field("Transfer-Encoding: chunked\r\nContent-Length: 5"),
       Fault::kLengthAndEncoding},
      {"chunked on HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
       Fault::kEncodingOnHttp10},
      {"unknown expectation", with_field("Expect: 200-ok"), Fault::kExpectation},
      {"more Connection fields than anybody sends",
       with_field("Connection: a\r\nConnection: a\r\nConnection: a\r\nConnection: a\r\nConnection: "
                  "a\r\nConnection: a\r\nConnection: a\r\nConnection: a\r\nConnection: a"),
       Fault::kConnection},
  };
  for (const auto& c : cases) {
    const ParsedRequest parsed(c.bytes);
    EXPECT_EQ(name_of(parsed.fault), name_of(c.fault)) << c.description;
  }
}

TEST(RequestParser, LimitsCountDecodedBytes) {
  HeadLimits limits{.header_bytes_max = 200, .header_count_max = 3, .target_bytes_max = 10};
  EXPECT_EQ(ParsedRequest(with_target("/" + std::string(9, 'a')), limits).fault, Fault::kNone);
  EXPECT_EQ(ParsedRequest(with_target("/" + std::string(10, 'a')), limits).fault, Fault::kTargetTooLong);
  EXPECT_EQ(ParsedRequest(with_field("A: b\r\nC: d"), limits).fault, Fault::kNone);
  EXPECT_EQ(ParsedRequest(with_field("A: b\r\nC: d\r\nE: f"), limits).fault, Fault::kTooManyHeaders);
  // 14 of the request line, "host" and "a" + 32 = 37, "x" + 32 = 33: 116 are left.
  EXPECT_EQ(ParsedRequest(with_field("X: " + std::string(116, 'v')), limits).fault, Fault::kNone);
  EXPECT_EQ(ParsedRequest(with_field("X: " + std::string(117, 'v')), limits).fault, Fault::kHeadTooLarge);
}

TEST(RequestParser, TheModelHoldsTheMessageAndNoFraming) {
  const ParsedRequest parsed(
      "POST http://Example.COM:8080/a/b?c=d HTTP/1.1\r\nHost: other\r\nContent-Length:  7 \r\nX-Custom: "
      " Va lue \t\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nUpgrade: "
      "h2c\r\nHTTP2-Settings: "
      "x\r\nTE: trailers\r\nProxy-Connection: close\r\nExpect: 100-Continue\r\n\r\n");
  ASSERT_EQ(name_of(parsed.fault), name_of(Fault::kNone));
  const auto& request = parsed.model;
  EXPECT_EQ(request.method, l7::Method::kPost);
  EXPECT_EQ(request.host, "example.com");
  EXPECT_EQ(request.port, 8080);
  EXPECT_EQ(request.path, "/a/b");
  EXPECT_EQ(request.query, "c=d");
  EXPECT_EQ(request.framing, BodyFraming::kLength);
  EXPECT_EQ(request.content_length, 7u);
  EXPECT_FALSE(request.keep_alive);
  EXPECT_TRUE(request.expect_continue);
  EXPECT_TRUE(request.te_trailers);
  EXPECT_FALSE(request.upgrade_websocket);
  ASSERT_EQ(request.headers.size(), 1u);
  EXPECT_EQ(request.headers.begin()->name, "x-custom");
  EXPECT_EQ(request.headers.begin()->value, "Va lue");
}

TEST(RequestParser, ConnectionCannotTakeAwayWhatTheProxyReadsOrSets) {
  const ParsedRequest parsed(
      with_field("Connection: Authorization, X-Forwarded-For, X-Forwarded-Ssl, x-request-id, host, X-Mine\r\n"
                 "Authorization: b\r\nX-Forwarded-For: c\r\nX-Forwarded-Ssl: on\r\nX-Mine: d"));
  ASSERT_EQ(parsed.fault, Fault::kNone);
  EXPECT_NE(parsed.model.headers.find("authorization"), nullptr);
  EXPECT_NE(parsed.model.headers.find("x-forwarded-for"), nullptr);
  EXPECT_NE(parsed.model.headers.find("x-forwarded-ssl"), nullptr);
  EXPECT_EQ(parsed.model.headers.find("x-mine"), nullptr);
  EXPECT_EQ(parsed.model.host, "a");
}

TEST(RequestParser, OnlyAWebsocketUpgradePasses) {
  EXPECT_TRUE(ParsedRequest(with_field("Connection: Upgrade\r\nUpgrade: WebSocket")).model.upgrade_websocket);
  EXPECT_FALSE(ParsedRequest(with_field("Upgrade: websocket")).model.upgrade_websocket);
  EXPECT_FALSE(ParsedRequest(with_field("Connection: upgrade\r\nUpgrade: h2c")).model.upgrade_websocket);
  EXPECT_FALSE(ParsedRequest(with_field("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1"))
                   .model.upgrade_websocket);
}

TEST(RequestParser, KeepAliveByVersion) {
  EXPECT_TRUE(ParsedRequest(with_field("A: b")).model.keep_alive);
  EXPECT_FALSE(ParsedRequest("GET / HTTP/1.0\r\n\r\n").model.keep_alive);
  EXPECT_TRUE(ParsedRequest("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").model.keep_alive);
}

struct ParsedResponse {
  std::string bytes;
  l7::ResponseHead model;
  Fault fault;
  explicit ParsedResponse(std::string text, l7::Method method = l7::Method::kGet) : bytes(std::move(text)) {
    fault = parse_response(bytes, {}, method, model);
  }
};

TEST(ResponseParser, FramingByStatusAndMethod) {
  struct Case {
    const char* description;
    const char* bytes;
    l7::Method method;
    BodyFraming framing;
    bool keep_alive;
  };
  const Case cases[]{
      {"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", l7::Method::kGet, BodyFraming::kLength,
       true},
      {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", l7::Method::kGet,
       BodyFraming::kChunked, true},
      {"neither", "HTTP/1.1 200 OK\r\n\r\n", l7::Method::kGet, BodyFraming::kUntilClose, false},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", l7::Method::kHead, BodyFraming::kNone, true},
      {"204", "HTTP/1.1 204 No Content\r\n\r\n", l7::Method::kGet, BodyFraming::kNone, true},
      {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", l7::Method::kGet, BodyFraming::kNone,
       true},
      {"100", "HTTP/1.1 100 Continue\r\n\r\n", l7::Method::kGet, BodyFraming::kNone, true},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", l7::Method::kGet, BodyFraming::kLength,
       false},
      {"close", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n", l7::Method::kGet,
       BodyFraming::kLength, false},
      {"no reason", "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", l7::Method::kGet, BodyFraming::kLength,
       true},
  };
  for (const auto& c : cases) {
    const ParsedResponse parsed(c.bytes, c.method);
    EXPECT_EQ(parsed.fault, Fault::kNone) << c.description;
    EXPECT_EQ(parsed.model.framing, c.framing) << c.description;
    EXPECT_EQ(parsed.model.keep_alive, c.keep_alive) << c.description;
  }
}

TEST(ResponseParser, RefusesWhatIsNoStatusLine) {
  for (const char* line : {"HTTP/1.1", "HTTP/1.1 20", "HTTP/1.1 2000 OK", "HTTP/1.1  200 OK", "HTTP/2 200 OK",
                           "HTTP/1.1 099 Low", "HTTP/1.1 600 High", "ICY 200 OK", "HTTP/1.1 200 a\x01"})
    EXPECT_EQ(ParsedResponse(std::string(line) + "\r\n\r\n").fault, Fault::kStatusLine) << line;
  EXPECT_EQ(
      ParsedResponse("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n").fault,
      Fault::kLengthAndEncoding);
}

TEST(HeadScanner, FindsTheEndHoweverTheBytesArrive) {
  const std::string head = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t split = 0; split <= head.size(); ++split) {
    HeadScanner scanner;
    const auto first = scanner.scan(std::string_view(head).substr(0, split));
    EXPECT_EQ(first, split == head.size() ? HeadScanner::State::kWhole : HeadScanner::State::kPartial);
    if (split < head.size()) {
      EXPECT_EQ(scanner.scan(head + "more"), HeadScanner::State::kWhole);
    }
    EXPECT_EQ(scanner.begin_bytes(), 2u);
    EXPECT_EQ(scanner.end_bytes(), head.size());
  }
}

}  // namespace
}  // namespace headgate::shard::http1
