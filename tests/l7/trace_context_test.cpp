// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/trace_context.hpp"

#include <string>

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

constexpr const char* kTraceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
constexpr TraceContext kMeant{0x0af7651916cd43dd, 0x8448eb211c80319c, 0xb7ad6b7169203331, true};
constexpr std::array<uint64_t, 3> kRandom{0x1111111111111111, 0x2222222222222222, 0x3333333333333333};

TEST(TraceContext, TraceparentIsReadAsTheStandardSays) {
  struct Case {
    const char* description;
    std::string text;
    std::optional<bool> sampled;  // none: it is refused
  };
  const std::string ids = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";
  const Case cases[] = {
      {"sampled", kTraceparent, true},
      {"not sampled", "00-" + ids + "-00", false},
      {"flags that nobody knows are no reason", "00-" + ids + "-ff", true},
      {"flags that nobody knows do not sample", "00-" + ids + "-fe", false},
      {"a later version of the same length", "cc-" + ids + "-01", true},
      {"a later version that says more", "01-" + ids + "-01-what-the-future-holds", true},
      {"a later version, cut off", "01-" + ids + "-01-", true},
      {"a later version, run together", "01-" + ids + "-01.more", std::nullopt},
      {"our version has no more to say", "00-" + ids + "-01-", std::nullopt},
      {"version ff", "ff-" + ids + "-01", std::nullopt},
      {"no version", ids + "-01", std::nullopt},
      {"half a version", "0-" + ids + "-010", std::nullopt},
      {"upper case", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", std::nullopt},
      {"upper case in the flags", "00-" + ids + "-0A", std::nullopt},
      {"no hex", "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01", std::nullopt},
      {"no hex in the version", "0x-" + ids + "-01", std::nullopt},
      {"no trace", "00-00000000000000000000000000000000-b7ad6b7169203331-01", std::nullopt},
      {"no span", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", std::nullopt},
      {"another separator", "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", std::nullopt},
      {"one digit less", "00-" + ids + "-0", std::nullopt},
      {"empty", "", std::nullopt},
      {"two in one", std::string(kTraceparent) + ", " + kTraceparent, std::nullopt},
  };
  for (const auto& [description, text, sampled] : cases) {
    const auto context = parse_traceparent(text);
    ASSERT_EQ(context.has_value(), sampled.has_value()) << description;
    if (!context) continue;
    auto expected = kMeant;
    expected.sampled = *sampled;
    EXPECT_EQ(*context, expected) << description;
  }
}

TEST(TraceContext, WhatIsReadIsWrittenAgain) {
  Arena arena;
  const auto written = write_traceparent(kMeant, arena);
  EXPECT_EQ(written, kTraceparent);
  EXPECT_EQ(trace_id_of(written), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(span_id_of(written), "b7ad6b7169203331");
}

TEST(TraceContext, OfTheTracesAShareIsSampled) {
  TraceContext context{1, 0, 1, false};
  for (const uint32_t percent : {0u, 1u, 25u, 50u, 99u, 100u}) {
    constexpr unsigned kTraces = 100'000;
    unsigned sampled = 0;
    for (unsigned i = 0; i < kTraces; ++i) {
      context.trace_low = i * 0x9e3779b97f4a7c15;  // spread evenly over 64 bits
      sampled += is_sampled(context, percent);
    }
    EXPECT_NEAR(sampled, kTraces / 100 * percent, kTraces / 1000) << percent;
  }
}

TEST(TraceContext, WhoSamplesLessSamplesNoOthers) {
  TraceContext context{1, 0, 1, false};
  for (unsigned i = 0; i < 10'000; ++i) {
    context.trace_low = i * 0x9e3779b97f4a7c15;
    EXPECT_TRUE(!is_sampled(context, 10) || is_sampled(context, 20));
  }
}

TEST(TraceContext, ABelievedTraceGoesOn) {
  Arena arena;
  Headers headers;
  headers.add(HeaderId::kTraceparent, kTraceparent);
  headers.add(HeaderId::kTracestate, "a=1");
  const auto trace = enter_trace(headers, true, 0, kRandom, arena);
  EXPECT_EQ(trace.traceparent, "00-0af7651916cd43dd8448eb211c80319c-3333333333333333-01")
      << "its sender has decided that it is sampled";
  EXPECT_EQ(trace.parent_id, "b7ad6b7169203331");
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers.find(HeaderId::kTraceparent)->value, trace.traceparent);
  EXPECT_EQ(headers.find(HeaderId::kTracestate)->value, "a=1");
}

TEST(TraceContext, ItsSenderMayHaveDecidedAgainstIt) {
  Arena arena;
  Headers headers;
  headers.add(HeaderId::kTraceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  EXPECT_FALSE(enter_trace(headers, true, 100, kRandom, arena).context.sampled);
}

TEST(TraceContext, WhereNoneIsValidOrBelievedOneBegins) {
  struct Case {
    const char* description;
    std::vector<const char*> said;
    bool believed;
  };
  const Case cases[] = {{"none", {}, true},
                        {"malformed", {"00-0af7"}, true},
                        {"two", {kTraceparent, kTraceparent}, true},
                        {"of a stranger", {kTraceparent}, false}};
  for (const auto& [description, said, believed] : cases) {
    Arena arena;
    Headers headers;
    for (const char* text : said) headers.add(HeaderId::kTraceparent, text);
    headers.add(HeaderId::kTracestate, "a=1");
    headers.add({"x-other", "1", HeaderId::kOther});
    const auto trace = enter_trace(headers, believed, 100, kRandom, arena);
    EXPECT_EQ(trace.traceparent, "00-11111111111111112222222222222222-3333333333333333-01") << description;
    EXPECT_TRUE(trace.parent_id.empty()) << description;
    ASSERT_EQ(headers.size(), 2u) << description;
    EXPECT_EQ(headers.find(HeaderId::kTraceparent)->value, trace.traceparent) << description;
    EXPECT_EQ(headers.find(HeaderId::kTracestate), nullptr) << description;
  }
}

TEST(TraceContext, IdsAreNeverZero) {
  Arena arena;
  Headers headers;
  const auto trace = enter_trace(headers, false, 100, {0, 0, 0}, arena);
  EXPECT_TRUE(parse_traceparent(trace.traceparent));
}

}  // namespace
}  // namespace headgate::l7
