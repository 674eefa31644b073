// SPDX-License-Identifier: Apache-2.0
// The PROXY protocol of a trusted proxy, as it and the backend see it; and what becomes of it from anybody
// else.
#include <gmock/gmock.h>

#include "tests/shard/tls_fixture.hpp"
#include "tests/support/proxy_headers.hpp"

namespace headgate::shard {
namespace {

using testing::HasSubstr;

class ProxyProtocolTest : public TlsFixture {
 protected:
  static constexpr const char* kLine = "PROXY TCP4 192.0.2.2 198.51.100.1 51234 443\r\n";
  static constexpr const char* kRequest = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

  void SetUp() override {
    TlsFixture::SetUp();
    trusted_ = {*Prefix::parse("127.0.0.0/8")};
    proxy_protocol_ = true;
  }
  static std::string binary() {
    return testing_support::proxy_v2(0x21, 0x21,
                                     std::string("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x20\x01\x0d\xb8\0"
                                                 "\0\0\0\0\0\0\0\0\0\0\1\xc8\x22\x01\xbb",
                                                 36));
  }
  // What the backend gets of a request that came behind these bytes.
  std::string head_behind(const std::string& header, const std::string& request = kRequest) {
    auto client = connect();
    client.send(header + request);
    return answered_head(client);
  }
  std::string answered_head(SocketPeer& client) {
    auto backend = backend_.accept();
    auto head = backend.read_head();
    backend.send(kOk);
    EXPECT_THAT(client.read_until("ok"), HasSubstr("200 OK"));
    return head;
  }
};

TEST_F(ProxyProtocolTest, TheClientIsWhoTheHeaderNames) {
  start();
  EXPECT_THAT(head_behind(kLine), HasSubstr("x-forwarded-for: 192.0.2.2\r\n"));
  EXPECT_THAT(head_behind(binary()), HasSubstr("x-forwarded-for: 2001:db8::2\r\n"));
  EXPECT_TRUE(counts(2, "proxy_headers_total"));
}

TEST_F(ProxyProtocolTest, WhatTheClientSaysOfItselfIsNotBelieved) {
  start();
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.66\r\n\r\n";
  EXPECT_THAT(head_behind(kLine, request), HasSubstr("x-forwarded-for: 192.0.2.2\r\n"));
}

TEST_F(ProxyProtocolTest, AProxyBehindAProxyIsBelievedWhereItIsTrustedItself) {
  trusted_.push_back(*Prefix::parse("192.0.2.2"));
  start();
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n";
  EXPECT_THAT(head_behind(kLine, request), HasSubstr("x-forwarded-for: 203.0.113.7, 192.0.2.2\r\n"));
}

TEST_F(ProxyProtocolTest, ItMayComeInPieces) {
  start();
  for (const auto& header : {std::string(kLine), binary()}) {
    auto client = connect();
    client.send_at_once();
    for (const char byte : header + kRequest) client.send({&byte, 1});
    EXPECT_THAT(answered_head(client), HasSubstr("x-forwarded-for: "));
  }
}

TEST_F(ProxyProtocolTest, AHealthCheckOfTheProxyIsItsOwn) {
  start();
  EXPECT_THAT(head_behind(testing_support::proxy_v2(0x20, 0, "")),
              HasSubstr("x-forwarded-for: 127.0.0.1\r\n"));
  EXPECT_THAT(head_behind("PROXY UNKNOWN\r\n"), HasSubstr("x-forwarded-for: 127.0.0.1\r\n"));
}

TEST_F(ProxyProtocolTest, OnAConnectionThatStaysItHoldsForAllRequests) {
  start();
  auto client = connect();
  client.send(std::string(kLine) + kRequest);
  answered_head(client);
  client.send(kRequest);
  EXPECT_THAT(answered_head(client), HasSubstr("x-forwarded-for: 192.0.2.2\r\n"));
}

TEST_F(ProxyProtocolTest, ItStandsAheadOfTls) {
  start_tls({issue("app", "DNS:app.example")});
  auto socket = connect();
  socket.send(binary());
  TlsPeer client(std::move(socket), {.server_name = "app.example", .authority = authority_.certificate()});
  ASSERT_TRUE(client.handshake()) << client.why_not();
  EXPECT_THAT(exchange(client), HasSubstr("200 OK"));
  EXPECT_THAT(request_head_, HasSubstr("x-forwarded-for: 2001:db8::2\r\n"));
  EXPECT_THAT(request_head_, HasSubstr("x-forwarded-proto: https\r\n"));
}

TEST_F(ProxyProtocolTest, AClientThatCameToTheProxyByTlsCameByHttps) {
  start();
  using testing_support::tlv;
  const std::string addresses("\xc0\x00\x02\x02\xc6\x33\x64\x01\xc8\x22\x01\xbb", 12);
  const auto header = [&](char client) {
    return testing_support::proxy_v2(0x21, 0x11,
                                     addresses + tlv(0x20, std::string(1, client) + std::string(4, '\0')));
  };
  EXPECT_THAT(head_behind(header(1)), HasSubstr("x-forwarded-proto: https\r\n"));
  EXPECT_THAT(head_behind(header(0)), HasSubstr("x-forwarded-proto: http\r\n"));
  auto client = connect();
  client.send(testing_support::proxy_v2(0x21, 0x11, addresses + tlv(0x20, "x")) + kRequest);
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(counts(1, "proxy_tlvs_refused_total"));
  EXPECT_TRUE(counts(1, "proxy_headers_refused_total"));
}

TEST_F(ProxyProtocolTest, ATrustedProxyMustSpeakIt) {
  start();
  for (const std::string bytes : {kRequest, "PROXY TCP4 192.0.2.2\r\n", "\r\n\r\n\r\n"}) {
    auto client = connect();
    client.send(bytes);
    EXPECT_EQ(client.read_all(), "");
  }
  EXPECT_TRUE(counts(3, "proxy_headers_refused_total"));
  EXPECT_EQ(count("requests_total"), 0u);
}

TEST_F(ProxyProtocolTest, OneThatSaysNothingIsNotWaitedForForEver) {
  settings_.header_timeout = contract::Millis(50);
  start();
  auto client = connect();
  client.send("PROXY ");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(counts(1, "proxy_headers_refused_total"));
}

TEST_F(ProxyProtocolTest, OfAnybodyElseItIsNoRequest) {
  trusted_ = {*Prefix::parse("10.0.0.0/8")};
  start();
  EXPECT_THAT(head_behind(""), HasSubstr("x-forwarded-for: 127.0.0.1\r\n"))
      << "whoever comes directly is served";
  for (const auto& header : {std::string(kLine), binary()}) {
    auto client = connect();
    client.send(header + kRequest);
    EXPECT_THAT(client.read_until("\r\n"), HasSubstr(" 400 "));
  }
  EXPECT_EQ(count("proxy_headers_total"), 0u);
}

}  // namespace
}  // namespace headgate::shard
