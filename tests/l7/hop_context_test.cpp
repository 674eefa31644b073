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
