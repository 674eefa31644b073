// SPDX-License-Identifier: Apache-2.0
// RFC 9113 sections 8.2 and 8.3, one row a rule.
#include "dataplane/shard/http2/request_reader.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace headgate::shard::http2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

const Fields kGet{
    {":method", "GET"}, {":scheme", "https"}, {":authority", "App.Example:8443"}, {":path", "/a?q"}};

Fields with(Fields fields, const Fields& more) {
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}
Fields without(Fields fields, const std::string& name) {
  std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  return fields;
}

struct Read {
  Arena arena;
  l7::RequestHead request;
  Fault fault = Fault::kNone;
  explicit Read(const Fields& fields, bool without_body = true, http1::HeadLimits limits = {}) {
    RequestReader reader;
    reader.start(limits, request, arena);
    for (const auto& [name, value] : fields) reader.take(name, value);
    fault = reader.finish(without_body);
  }
};

TEST(RequestReader, TheModelIsWhatHttp1WouldGive) {
  const Read read(with(kGet, {{"x-a", "1"}, {"te", "trailers"}, {"content-length", "0"}}));
  ASSERT_EQ(read.fault, Fault::kNone);
  EXPECT_EQ(read.request.version, l7::Version::kHttp2);
  EXPECT_EQ(read.request.method, l7::Method::kGet);
  EXPECT_EQ(read.request.host, "app.example");
  EXPECT_EQ(read.request.port, 8443);
  EXPECT_EQ(read.request.path, "/a");
  EXPECT_EQ(read.request.query, "q");
  EXPECT_TRUE(read.request.te_trailers);
  ASSERT_EQ(read.request.headers.size(), 1u);
  EXPECT_EQ(read.request.headers.begin()->name, "x-a");
  EXPECT_EQ(read.request.framing, l7::BodyFraming::kLength);
}

TEST(RequestReader, WhatBreaksARuleIsMalformed) {
  struct Case {
    const char* rule;
    Fields fields;
    Fault fault;
  };
  const Case cases[]{
      {"8.3.1: no method", without(kGet, ":method"), Fault::kPseudoHeader},
      {"8.3.1: no scheme", without(kGet, ":scheme"), Fault::kPseudoHeader},
      {"8.3.1: no path", without(kGet, ":path"), Fault::kPseudoHeader},
      {"8.3.1: an empty path", with(without(kGet, ":path"), {{":path", ""}}), Fault::kPseudoHeader},
      {"8.3.1: a path without slash", with(without(kGet, ":path"), {{":path", "a"}}), Fault::kTarget},
      {"8.3.1: * is for OPTIONS", with(without(kGet, ":path"), {{":path", "*"}}), Fault::kTarget},
      {"9110 4.1: a blank in the path", with(without(kGet, ":path"), {{":path", "/a b"}}), Fault::kTarget},
      {"9110 4.1: a fragment", with(without(kGet, ":path"), {{":path", "/a#b"}}), Fault::kTarget},
      {"8.3: twice", with({{":method", "PUT"}}, kGet), Fault::kPseudoHeader},
      {"8.3: unknown", with({{":proto", "x"}}, kGet), Fault::kPseudoHeader},
      {"8.3: of a response", with({{":status", "200"}}, kGet), Fault::kPseudoHeader},
      {"8.3: behind a field", with({{"x-a", "1"}}, kGet), Fault::kPseudoHeader},
      {"8.3.1: another scheme", with(without(kGet, ":scheme"), {{":scheme", "ftp"}}), Fault::kPseudoHeader},
      {"9110 9.1: a method that is no token", with(without(kGet, ":method"), {{":method", "G T"}}),
       Fault::kMethod},
      {"8.3.1: no authority and no host", without(kGet, ":authority"), Fault::kNoHost},
      {"8.3.1: userinfo", with({{":authority", "u@a"}}, without(kGet, ":authority")), Fault::kHost},
      {"8.3.1: host says something else", with(kGet, {{"host", "other"}}), Fault::kSeveralHosts},
      {"8.3.1: host says another port", with(kGet, {{"host", "app.example"}}), Fault::kSeveralHosts},
      {"two hosts", with(without(kGet, ":authority"), {{"host", "a"}, {"host", "a"}}), Fault::kSeveralHosts},
      {"8.2.1: upper case", with(kGet, {{"X-A", "1"}}), Fault::kHeaderName},
      {"8.2.1: no name", with(kGet, {{"", "1"}}), Fault::kHeaderName},
      {"8.2.1: a colon in the name", with(kGet, {{"a:b", "1"}}), Fault::kHeaderName},
      {"8.2.1: a blank in the name", with(kGet, {{"a b", "1"}}), Fault::kHeaderName},
      {"8.2.1: a NUL in the name", with(kGet, {{std::string("a\0b", 3), "1"}}), Fault::kHeaderName},
      {"8.2.1: CR LF in the value", with(kGet, {{"a", "1\r\nb: 2"}}), Fault::kHeaderValue},
      {"8.2.1: LF", with(kGet, {{"a", "1\n"}}), Fault::kHeaderValue},
      {"8.2.1: NUL", with(kGet, {{"a", std::string("1\0", 2)}}), Fault::kHeaderValue},
      {"8.2.1: a blank in front", with(kGet, {{"a", " 1"}}), Fault::kHeaderValue},
      {"8.2.1: a tab behind", with(kGet, {{"a", "1\t"}}), Fault::kHeaderValue},
      {"8.2.2: connection", with(kGet, {{"connection", "close"}}), Fault::kConnection},
      {"8.2.2: keep-alive", with(kGet, {{"keep-alive", "1"}}), Fault::kConnection},
      {"8.2.2: proxy-connection", with(kGet, {{"proxy-connection", "1"}}), Fault::kConnection},
      {"8.2.2: transfer-encoding", with(kGet, {{"transfer-encoding", "chunked"}}), Fault::kConnection},
      {"8.2.2: upgrade", with(kGet, {{"upgrade", "websocket"}}), Fault::kConnection},
      {"8.2.2: te", with(kGet, {{"te", "gzip"}}), Fault::kConnection},
      {"8.1.1: a length without a body", with(kGet, {{"content-length", "1"}}), Fault::kContentLength},
      {"8.1.1: no number", with(kGet, {{"content-length", "+0"}}), Fault::kContentLength},
      {"8.1.1: two lengths", with(kGet, {{"content-length", "0"}, {"content-length", "00001"}}),
       Fault::kSeveralLengths},
      {"8.5: CONNECT with a path", with(without(kGet, ":method"), {{":method", "CONNECT"}}),
       Fault::kPseudoHeader},
      {"an expectation", with(kGet, {{"expect", "tea"}}), Fault::kExpectation},
  };
  for (const auto& [rule, fields, fault] : cases)
    EXPECT_EQ(http1::name_of(Read(fields).fault), http1::name_of(fault)) << rule;
}

const Fields kSocket{{":method", "CONNECT"},
                     {":protocol", "websocket"},
                     {":scheme", "https"},
                     {":authority", "App.Example"},
                     {":path", "/chat?q"}};

// RFC 8441 sections 4 and 5.
TEST(RequestReader, AConnectForAWebsocketIsTheRequestThatHttp1WouldMake) {
  const Read read(with(kSocket, {{"sec-websocket-version", "13"},
                                 {"origin", "https://a"},
                                 {"sec-websocket-key", "not ours"},
                                 {"sec-websocket-accept", "neither"},
                                 {"te", "trailers"},
                                 {"expect", "100-continue"},
                                 {"content-length", "0"}}),
                  false);
  ASSERT_EQ(read.fault, Fault::kNone);
  EXPECT_EQ(read.request.method, l7::Method::kGet);
  EXPECT_EQ(read.request.method_text, "GET");
  EXPECT_EQ(read.request.form, l7::TargetForm::kOrigin);
  EXPECT_EQ(read.request.host, "app.example");
  EXPECT_EQ(read.request.path, "/chat");
  EXPECT_EQ(read.request.query, "q");
  EXPECT_TRUE(read.request.upgrade_websocket);
  EXPECT_EQ(read.request.framing, l7::BodyFraming::kNone);
  EXPECT_FALSE(read.request.te_trailers);
  EXPECT_FALSE(read.request.expect_continue);
  ASSERT_EQ(read.request.headers.size(), 2u);
  EXPECT_EQ(read.request.headers.begin()->name, "sec-websocket-version");
  EXPECT_FALSE(Read(kGet).request.upgrade_websocket);
}

TEST(RequestReader, OtherProtocolsStayAConnect) {
  const Read udp(with({{":protocol", "connect-udp"}}, without(kSocket, ":protocol")), false);
  ASSERT_EQ(udp.fault, Fault::kNone);
  EXPECT_EQ(udp.request.method, l7::Method::kConnect);
  EXPECT_FALSE(udp.request.upgrade_websocket);
  const Read plain({{":method", "CONNECT"}, {":authority", "a:443"}}, false);
  ASSERT_EQ(plain.fault, Fault::kNone);
  EXPECT_EQ(plain.request.method, l7::Method::kConnect);
}

TEST(RequestReader, AConnectThatBreaksARuleIsMalformed) {
  struct Case {
    const char* rule;
    Fields fields;
    Fault fault;
  };
  const Case cases[]{
      {"8441 4: a protocol of another method", with({{":protocol", "websocket"}}, kGet),
       Fault::kPseudoHeader},
      {"8441 4: no path", without(kSocket, ":path"), Fault::kPseudoHeader},
      {"8441 4: no scheme", without(kSocket, ":scheme"), Fault::kPseudoHeader},
      {"8441 4: no authority", without(kSocket, ":authority"), Fault::kPseudoHeader},
      {"8441 4: no authority but a host", with(without(kSocket, ":authority"), {{"host", "a"}}),
       Fault::kPseudoHeader},
      {"8441 4: another protocol has a target too",
       with({{":protocol", "connect-udp"}}, without(without(kSocket, ":protocol"), ":path")),
       Fault::kPseudoHeader},
      {"8.3: two protocols", with({{":protocol", "websocket"}}, kSocket), Fault::kPseudoHeader},
      {"8.3: an empty protocol", with({{":protocol", ""}}, without(kSocket, ":protocol")),
       Fault::kPseudoHeader},
      {"8.3: a protocol behind a field", with({{"x-a", "1"}}, kSocket), Fault::kPseudoHeader},
      {"8441 5: a scheme of WebSocket's own", with({{":scheme", "wss"}}, without(kSocket, ":scheme")),
       Fault::kPseudoHeader},
      {"8.3.1: an asterisk", with({{":path", "*"}}, without(kSocket, ":path")), Fault::kTarget},
      {"8.2.2: upgrade", with(kSocket, {{"upgrade", "websocket"}}), Fault::kConnection},
      {"8.2.2: connection", with(kSocket, {{"connection", "upgrade"}}), Fault::kConnection},
      {"9110 9.3.6: a length", with(kSocket, {{"content-length", "5"}}), Fault::kContentLength},
  };
  for (const auto& [rule, fields, fault] : cases)
    EXPECT_EQ(http1::name_of(Read(fields, false).fault), http1::name_of(fault)) << rule;
}

TEST(RequestReader, LimitsCountDecodedFields) {
  const http1::HeadLimits limits{.header_bytes_max = 300, .header_count_max = 3, .target_bytes_max = 10};
  EXPECT_EQ(Read(with(kGet, {{"a", "1"}}), true, limits).fault, Fault::kNone);
  EXPECT_EQ(Read(with(kGet, {{"a", std::string(200, 'x')}}), true, limits).fault, Fault::kHeadTooLarge);
  EXPECT_EQ(Read(with(kGet, {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}}), true,
                 {.header_bytes_max = 3000, .header_count_max = 3, .target_bytes_max = 10})
                .fault,
            Fault::kTooManyHeaders);
  EXPECT_EQ(Read(with({{":path", "/" + std::string(10, 'a')}}, without(kGet, ":path")), true, limits).fault,
            Fault::kTargetTooLong);
}

TEST(RequestReader, CookieCrumbsBecomeOneField) {
  const Read read(with(kGet, {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", "c=3"}}));
  ASSERT_EQ(read.fault, Fault::kNone);
  ASSERT_EQ(read.request.headers.size(), 2u);
  EXPECT_EQ(read.request.headers.find(l7::HeaderId::kCookie)->value, "a=1; b=2; c=3");
  const Read gaps(
      with(kGet, {{"cookie", ""}, {"cookie", "a=1"}, {"cookie", ""}, {"cookie", "b=2"}, {"cookie", ""}}));
  EXPECT_EQ(gaps.request.headers.find(l7::HeaderId::kCookie)->value, "a=1; b=2");
  const Read nothing(with(kGet, {{"cookie", ""}, {"cookie", ""}}));
  EXPECT_EQ(nothing.request.headers.find(l7::HeaderId::kCookie)->value, "");
}

TEST(RequestReader, TheFramingIsWhatTheStreamSays) {
  EXPECT_EQ(Read(kGet).request.framing, l7::BodyFraming::kNone);
  EXPECT_EQ(Read(kGet, false).request.framing, l7::BodyFraming::kChunked);
  const Read sized(with(kGet, {{"content-length", "12"}}), false);
  EXPECT_EQ(sized.request.framing, l7::BodyFraming::kLength);
  EXPECT_EQ(sized.request.content_length, 12u);
}

}  // namespace
}  // namespace headgate::shard::http2
