// SPDX-License-Identifier: Apache-2.0
#include "mgmt/openapi/json_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dataplane/core/limits.hpp"

namespace headgate::openapi {
namespace {

struct BadText {
  const char* description;
  std::string text;
  const char* code;
  const char* pointer;
};
void PrintTo(const BadText& bad, std::ostream* out) { *out << bad.description; }

class JsonTextRefuses : public testing::TestWithParam<BadText> {};

TEST_P(JsonTextRefuses, SayingWhere) {
  nlohmann::json json;
  const auto problem = parse_json(GetParam().text, {1000}, json);
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->status, 400);
  ASSERT_EQ(problem->errors.size(), 1u);
  EXPECT_EQ(problem->errors[0].code, GetParam().code);
  EXPECT_EQ(problem->errors[0].pointer, GetParam().pointer);
}

std::string repeat(const char* text, std::size_t count) {
  std::string result;
  for (std::size_t i = 0; i < count; ++i) result += text;
  return result;
}

constexpr const char* kDeepPointer = "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a";

INSTANTIATE_TEST_SUITE_P(
    Table, JsonTextRefuses,
    testing::Values(BadText{"nothing", "", "invalid_json", ""},
                    BadText{"half an object", "{\"a\":", "invalid_json", ""},
                    BadText{"something after it", "{} x", "invalid_json", ""},
                    BadText{"no UTF-8", "{\"a\": \"\xff\"}", "invalid_json", ""},
                    BadText{"a number that no double holds", "{\"a\": 1e999}", "invalid_json", ""},
                    BadText{"a key twice", R"({"a": {"b": 1, "c": 2, "b": 3}})", "duplicate_field", "/a/b"},
                    BadText{"too deep", repeat("[", 100'000), "too_deep", ""},
                    BadText{"deep objects", repeat("{\"a\":", 100'000), "too_deep", kDeepPointer},
                    BadText{"too many values", "[" + repeat("1,", 2000) + "1]", "too_large", ""},
                    BadText{"a long string",
                            "{\"a\": \"" + std::string(limits::kApiStringBytesMax + 1, 'x') + "\"}",
                            "too_long", "/a"}));

// PEM with its line ends as they are is what people send: half of a key must not come back in the answer.
TEST(JsonText, QuotesNothingOfABodyThatItRefuses) {
  nlohmann::json json;
  for (const char* text :
       {"{\"private_key\": \"swordfish\n\"}", "{\"private_key\": \"swordfish", "swordfish"}) {
    const auto problem = parse_json(text, {100}, json);
    ASSERT_TRUE(problem);
    EXPECT_EQ(problem->detail.find("swordfish"), std::string::npos);
    EXPECT_EQ(problem->errors[0].detail.find("swordfish"), std::string::npos) << problem->errors[0].detail;
  }
}

TEST(JsonText, AStringMayBeLongerWhereThatIsAllowed) {
  nlohmann::json json;
  const std::string text = "\"" + std::string(2 * limits::kApiStringBytesMax, 'x') + "\"";
  EXPECT_TRUE(parse_json(text, {10}, json));
  EXPECT_FALSE(parse_json(text, {10, 2 * limits::kApiStringBytesMax}, json));
  EXPECT_TRUE(parse_json(text, {10, 2 * limits::kApiStringBytesMax - 1}, json));
}

TEST(JsonText, ReadsWhatIsValid) {
  nlohmann::json json;
  EXPECT_FALSE(parse_json(R"( {"a": [1, {"b": "ä"}, null], "b": 2} )", {100}, json));
  EXPECT_EQ(json["a"][1]["b"], "ä");
}

}  // namespace
}  // namespace headgate::openapi
