// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/hop_context.hpp"

#include <string>

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

constexpr const char* kContext =
    "v1 listener=0123abcd client=192.0.2.2:51234 for=192.0.2.2 proto=http host=a.example port=80 id=r-1";

std::string with(const std::string& from, const std::string& to) {
  std::string text = kContext;
  const auto at = text.find(from);
  return at == std::string::npos ? "" : text.replace(at, from.size(), to);
}

constexpr const char* kSha256 = "00000000000000000000000000000000000000000000000000000000deadbeef";

std::string with_client(const std::string& name, const std::string& sha256 = kSha256) {
  return with("id=r-1", "id=r-1 tls_client=" + name + " tls_client_sha256=" + sha256);
}

TEST(HopContext, WhatTheFirstTierKnowsTheSecondKnows) {
  Arena arena;
  const auto context = parse_hop_context(kContext, arena);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->listener, "0123abcd");
  EXPECT_EQ(context->client_port, 51234);
  EXPECT_EQ(context->facts.client, *IpAddress::parse("192.0.2.2"));
  EXPECT_EQ(context->facts.client_text, "192.0.2.2");
  EXPECT_EQ(context->facts.forwarded_for, "192.0.2.2");
  EXPECT_EQ(context->facts.scheme, "http");
  EXPECT_EQ(context->facts.host, "a.example");
  EXPECT_EQ(context->facts.port, "80");
  EXPECT_EQ(context->facts.request_id, "r-1");
}

TEST(HopContext, WhatIsParsedIsWrittenAgainByteForByte) {
  const std::string texts[] = {
      kContext,
      with("client=192.0.2.2:51234 for=192.0.2.2",
           "client=[2001:db8::2]:0 for=2001:db8::2,10.0.0.1,10.0.0.2"),
      with("host=a.example port=80", "host=[2001:db8::1]:8443 port=65535"),
      with("host=a.example", "host="),
      with("proto=http", "proto=https"),
      with("id=r-1", "id=r-1 trace=believed"),
      with_client("spiffe://mesh/a"),
      with_client(""),
      with_client(R"(CN=\C3\85sa\,%20"x"%25)"),
      with_client("%00%0D%0A%20%25%7F%FF") + " trace=believed",
  };
  for (const auto& text : texts) {
    Arena arena;
    const auto context = parse_hop_context(text, arena);
    ASSERT_TRUE(context) << text;
    EXPECT_EQ(write_hop_context(*context, arena), text);
  }
}

TEST(HopContext, ATraceIsBelievedWhereItSaysSo) {
  Arena arena;
  const auto silent = parse_hop_context(kContext, arena);
  const auto said = parse_hop_context(with("id=r-1", "id=r-1 trace=believed"), arena);
  ASSERT_TRUE(silent && said);
  EXPECT_FALSE(silent->trace_believed);
  EXPECT_TRUE(said->trace_believed);
  EXPECT_FALSE(parse_hop_context(with("id=r-1", "id=r-1 trace=yes"), arena));
  EXPECT_FALSE(parse_hop_context(with("id=r-1", "id=r-1 trace=believed "), arena));
}

TEST(HopContext, WhomACertificateNamesCrossesWhateverBytesItHas) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  HopContext said;
  Arena arena;
  said = *parse_hop_context(kContext, arena);
  EXPECT_EQ(said.facts.certificate.sha256, "");
  said.facts.certificate = {.name = every, .sha256 = kSha256, .field = ":AA==:"};
  const auto text = write_hop_context(said, arena);
  EXPECT_EQ(text.find_first_not_of("!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
                                   "abcdefghijklmnopqrstuvwxyz{|}~ "),
            std::string_view::npos);
  const auto heard = parse_hop_context(text, arena);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->facts.certificate.name, every);
  EXPECT_EQ(heard->facts.certificate.sha256, kSha256);
  EXPECT_EQ(heard->facts.certificate.field, "") << "that crosses as a field";
}

TEST(HopContext, TheLongestOfAllIsWithinItsLimit) {
  std::string chain = "2001:db8:1111:2222:3333:4444:5555:6666";
  const std::string client = chain;
  for (std::size_t hop = 0; hop < limits::kForwardedHopsMax; ++hop) chain += "," + client;
  std::string host(limits::kHostnameBytesMax, 'h');
  for (std::size_t dot = 63; dot < host.size(); dot += 64) host[dot] = '.';
  const std::string name(limits::kPeerNameBytesMax, '\x01');
  Arena arena;
  const std::string without = "v1 listener=" + std::string(128, 'l') + " client=[" + client +
                              "]:65535 for=" + chain + " proto=https host=" + host +
                              ":65535 port=65535 id=" + std::string(128, 'i') + " trace=believed";
  auto parsed = parse_hop_context(without, arena);
  ASSERT_TRUE(parsed);
  auto& context = *parsed;
  context.facts.certificate = {.name = name, .sha256 = kSha256, .field = {}};
  EXPECT_TRUE(parse_hop_context(write_hop_context(context, arena), arena));
  const std::string longer = name + "x";
  context.facts.certificate.name = longer;
  EXPECT_FALSE(parse_hop_context(write_hop_context(context, arena), arena));
}

TEST(HopContext, TheChainHasTheFormOfXForwardedFor) {
  Arena arena;
  const auto context = parse_hop_context(with("for=192.0.2.2", "for=192.0.2.2,10.0.0.1"), arena);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->facts.forwarded_for, "192.0.2.2, 10.0.0.1");
}

TEST(HopContext, WhatIsNotExactlyOfTheFormIsNone) {
  const std::string texts[] = {
      "",
      "v1",
      with("v1 ", "v2 "),
      with("v1 ", "v1  "),
      with("id=r-1", "id=r-1 "),
      with("id=r-1", "id=r-1 more=1"),
      with("id=r-1", "id="),
      with(" id=r-1", ""),
      with("id=r-1", "id=r\x01"),
      with("id=r-1", "id=" + std::string(129, 'x')),
      with("listener=0123abcd", "listener="),
      with("listener=0123abcd", "listener=a\"b"),
      with("listener=0123abcd client=192.0.2.2:51234", "client=192.0.2.2:51234 listener=0123abcd"),
      with("client=192.0.2.2:51234", "client=192.0.2.2"),
      with("client=192.0.2.2:51234", "client=192.0.2.2:65536"),
      with("client=192.0.2.2:51234", "client=192.0.2.2:080"),
      with("client=192.0.2.2:51234", "client=[192.0.2.2]:80"),
      with("client=192.0.2.2:51234", "client=192.0.2.3:80"),
      with("for=192.0.2.2", "for="),
      with("for=192.0.2.2", "for=192.0.2.2,"),
      with("for=192.0.2.2", "for=10.0.0.1,192.0.2.2"),
      with("for=192.0.2.2", "for=192.0.2.2,unknown"),
      with("proto=http", "proto=HTTP"),
      with("proto=http", "proto=ws"),
      with("host=a.example", "host=a/b"),
      with("host=a.example", "host=user@a"),
      with("port=80", "port=0"),
      with("port=80", "port=080"),
      with("port=80", "port=65536"),
      with("port=80", "port=8a"),
      with_client("a", ""),
      with_client("a", std::string(64, 'A')),
      with_client("a", std::string(63, 'a')),
      with_client("a") + " ",
      with_client("a b"),
      with_client("%"),
      with_client("%2"),
      with_client("%0d"),
      with_client("%41"),
      with_client("\xff"),
      with("id=r-1", "id=r-1 tls_client=a"),
      with("id=r-1", std::string("id=r-1 tls_client_sha256=") + kSha256),
      with("id=r-1", std::string("id=r-1 trace=believed tls_client=a tls_client_sha256=") + kSha256),
  };
  for (const auto& text : texts) {
    Arena arena;
    EXPECT_FALSE(parse_hop_context(text, arena)) << text;
  }
}

TEST(HopContext, AChainIsBounded) {
  std::string chain = "192.0.2.2";
  for (std::size_t hop = 0; hop < limits::kForwardedHopsMax; ++hop) chain += ",10.0.0.1";
  Arena arena;
  EXPECT_TRUE(parse_hop_context(with("for=192.0.2.2", "for=" + chain), arena));
  EXPECT_FALSE(parse_hop_context(with("for=192.0.2.2", "for=" + chain + ",10.0.0.1"), arena));
}

TEST(HopContext, ItStandsInThePlaceOfWhatItSays) {
  Headers headers;
  headers.add(HeaderId::kXForwardedFor, "192.0.2.2");
  headers.add({"x-custom", "v", HeaderId::kOther});
  headers.add(HeaderId::kXRequestId, "r-1");
  pass_on(headers, kContext);
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers.begin()->name, "x-custom");
  EXPECT_EQ(hop_context_of(headers), kContext);
  headers.add(HeaderId::kHeadgateContext, kContext);
  EXPECT_FALSE(hop_context_of(headers)) << "which of two is meant, nobody can tell";
}

}  // namespace
}  // namespace headgate::l7
