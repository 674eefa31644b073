// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/conditions.hpp"

#include <gtest/gtest.h>

#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

using contract::ValueMatchType;

bool header_holds(const contract::HeaderMatch& match, const std::vector<std::string>& values) {
  Expressions expressions;
  std::vector<HeaderCondition> conditions;
  EXPECT_TRUE(compile_headers({match}, expressions, conditions));
  RequestHead request;
  request.host = "h.example";
  request.headers.add({"other", "1", HeaderId::kOther});
  for (const auto& value : values)
    request.headers.add({conditions[0].name, value, header_id(conditions[0].name)});
  return holds(conditions[0], request);
}

bool query_holds(const contract::QueryMatch& match, std::optional<std::string_view> query) {
  Expressions expressions;
  std::vector<QueryCondition> conditions;
  EXPECT_TRUE(compile_query({match}, expressions, conditions));
  RequestHead request;
  request.query = query;
  return holds(conditions[0], request);
}

TEST(Conditions, AHeaderIsComparedWholeAndAsOneList) {
  EXPECT_TRUE(header_holds({"X-A", "1", ValueMatchType::kExact}, {"1"}));
  EXPECT_TRUE(header_holds({"x-a", "1, 2", ValueMatchType::kExact}, {"1", "2"}));
  EXPECT_FALSE(header_holds({"x-a", "1", ValueMatchType::kExact}, {"1", "2"}));
  EXPECT_TRUE(header_holds({"cookie", "a=1; b=2", ValueMatchType::kExact}, {"a=1", "b=2"}));
  EXPECT_FALSE(header_holds({"x-a", "", ValueMatchType::kExact}, {})) << "absent is not empty";
  EXPECT_TRUE(header_holds({"x-a", "", ValueMatchType::kExact}, {""}));
}

TEST(Conditions, AHeadersExpressionSeesTheWholeList) {
  EXPECT_TRUE(header_holds({"x-a", "v[0-9]+", ValueMatchType::kRegex}, {"v12"}));
  EXPECT_FALSE(header_holds({"x-a", "v[0-9]+", ValueMatchType::kRegex}, {"v12x"}));
  EXPECT_TRUE(header_holds({"x-a", "a, b", ValueMatchType::kRegex}, {"a", "b"}));
  EXPECT_FALSE(header_holds({"x-a", "a|b", ValueMatchType::kRegex}, {"a", "b"}));
  EXPECT_FALSE(header_holds({"x-a", ".*", ValueMatchType::kRegex}, {})) << "absent matches nothing";
  EXPECT_TRUE(header_holds({"host", "h\\..*", ValueMatchType::kRegex}, {}));
  const std::string half(limits::kExpressionTextBytesMax / 2, 'a');
  EXPECT_TRUE(header_holds({"x-a", "a*", ValueMatchType::kRegex}, {half + half + half})) << "one field";
  EXPECT_FALSE(header_holds({"x-a", ".*", ValueMatchType::kRegex}, {half, half})) << "past the bound";
}

TEST(Conditions, AQueryIsReadAsAFormIs) {
  const contract::QueryMatch exact{"a b", "1&2", ValueMatchType::kExact};
  EXPECT_TRUE(query_holds(exact, "a+b=1%262"));
  EXPECT_TRUE(query_holds(exact, "x=1&a%20b=1%262&y"));
  EXPECT_FALSE(query_holds(exact, "a+b=1&2"));
  EXPECT_FALSE(query_holds(exact, std::nullopt));
  EXPECT_FALSE(query_holds(exact, ""));
  EXPECT_TRUE(query_holds({"a", "%zz%", ValueMatchType::kExact}, "a=%zz%")) << "no escape";
  EXPECT_TRUE(query_holds({"a", "", ValueMatchType::kExact}, "a")) << "a key alone has an empty value";
  EXPECT_TRUE(query_holds({"a", "b=c", ValueMatchType::kExact}, "a=b=c"));
  EXPECT_FALSE(query_holds({"A", "1", ValueMatchType::kExact}, "a=1")) << "keys have case";
  EXPECT_FALSE(query_holds({"a", "1", ValueMatchType::kExact}, "aa=1"));
}

TEST(Conditions, OfARepeatedQueryKeyTheFirstCounts) {
  const contract::QueryMatch exact{"a", "1", ValueMatchType::kExact};
  EXPECT_TRUE(query_holds(exact, "a=1&a=2"));
  EXPECT_FALSE(query_holds(exact, "a=2&a=1"));
  EXPECT_FALSE(query_holds(exact, "%61=2&a=1")) << "an escaped key is the same key";
}

TEST(Conditions, AQuerysExpressionSeesTheDecodedValue) {
  EXPECT_TRUE(query_holds({"a", "[a-z] [a-z]", ValueMatchType::kRegex}, "a=%78+y"));
  EXPECT_FALSE(query_holds({"a", "[a-z]", ValueMatchType::kRegex}, "a=xy"));
  const std::string long_value(limits::kExpressionTextBytesMax + 1, 'a');
  EXPECT_FALSE(query_holds({"a", ".*", ValueMatchType::kRegex}, "a=" + long_value)) << "past the bound";
}

TEST(Conditions, ABadExpressionIsNoCondition) {
  Expressions expressions;
  std::vector<HeaderCondition> headers;
  std::vector<QueryCondition> query;
  EXPECT_FALSE(compile_headers({{"a", "(", ValueMatchType::kRegex}}, expressions, headers));
  EXPECT_FALSE(compile_query({{"a", "(", ValueMatchType::kRegex}}, expressions, query));
}

}  // namespace
}  // namespace headgate::l7
