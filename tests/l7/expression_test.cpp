// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/expression.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

ExpressionPtr compiled(std::string_view text) {
  auto expression = Expression::compile(text);
  EXPECT_TRUE(expression.ok()) << text;
  return expression.ok() ? *expression : nullptr;
}

TEST(Expression, MatchesTheWholeText) {
  const auto expression = compiled("/v[0-9]+/(a|ab)");
  EXPECT_TRUE(expression->matches("/v12/a"));
  EXPECT_TRUE(expression->matches("/v12/ab"));
  EXPECT_FALSE(expression->matches("/v12/abc"));
  EXPECT_FALSE(expression->matches("x/v12/a"));
  EXPECT_TRUE(compiled("caf\xc3\xa9.")->matches("caf\xc3\xa9\xff")) << "bytes, whatever they encode";
}

TEST(Expression, KnowsHowAllThatItMatchesBegins) {
  EXPECT_EQ(compiled("/api/v[0-9]+/x")->literal_prefix(), "/api/v");
  EXPECT_EQ(compiled("/api(/.*)?")->literal_prefix(), "/api");
  EXPECT_EQ(compiled("/api/.*")->literal_prefix(), "/api/");
  EXPECT_EQ(compiled("^/api/.*$")->literal_prefix(), "/api/");
  EXPECT_EQ(compiled("/api/a?")->literal_prefix(), "/api/");
  EXPECT_EQ(compiled("/api/a{0}b")->literal_prefix(), "/api/b");
  EXPECT_EQ(compiled("/api/(v1|v2)/.*")->literal_prefix(), "/api/v");
  EXPECT_EQ(compiled("/api/.*|/api0")->literal_prefix(), "/api");
  EXPECT_EQ(compiled("/a\\.b/.*")->literal_prefix(), "/a.b/");
  EXPECT_EQ(compiled("/api/x|/app/y")->literal_prefix(), "/ap");
  EXPECT_EQ(compiled("(?i)/api/x")->literal_prefix(), "/");
  EXPECT_EQ(compiled(".*/api")->literal_prefix(), "");
  EXPECT_EQ(compiled("a*")->literal_prefix(), "");
}

TEST(Expression, NothingThatItMatchesBeginsOtherwise) {
  const std::string texts[]{"", "/", "/a", "/ab", "/a/b", "/a.b", "/a/", "/b", "/a0", "/A", "/abc/d", "a"};
  for (const char* const text :
       {"/a",     "/a?",        "/ab*",   "/a/?",    "/a(/b)?",  "/a|/b",  "/a.*",
        "(?i)/a", "/[a]b",      "/a\\.b", "/a{0}/?", "/ab{0,1}", ".?a",    "/a/.*|/a0",
        "^/a.*",  "\\Q/a\\E.*", "(/a)",   "/a+",     "/\\x61",   "/a\\b/b"}) {
    const auto expression = compiled(text);
    for (const auto& each : texts)
      if (expression->matches(each)) {
        EXPECT_TRUE(each.starts_with(expression->literal_prefix())) << text << " " << each;
      }
  }
}

TEST(Expression, WhatIsNoneOrTooLargeIsRefused) {
  for (const std::string& text :
       {std::string("("), std::string("a**"), std::string("\\1"), std::string("(?=a)"),
        std::string("((a{1,100}){1,100}){1,100}"), std::string(limits::kExpressionBytesMax + 1, 'a')}) {
    const auto refused = Expression::compile(text);
    ASSERT_FALSE(refused.ok()) << text.substr(0, 40);
    EXPECT_FALSE(refused.error().message.empty());
  }
}

TEST(Expression, IsCompiledOnceAsLongAsSomebodyHoldsIt) {
  Expressions expressions;
  const auto first = expressions.get("/a.*");
  EXPECT_EQ(expressions.get("/a.*"), first);
  EXPECT_NE(expressions.get("/b.*"), first);
  EXPECT_EQ(expressions.get("("), nullptr);
  for (int i = 0; i < 1'000; ++i) EXPECT_NE(expressions.get("/" + std::to_string(i)), nullptr);
  EXPECT_LE(expressions.size(), 66U) << "those that nobody holds are forgotten";
  EXPECT_EQ(expressions.get("/a.*"), first);
}

}  // namespace
}  // namespace headgate::l7
