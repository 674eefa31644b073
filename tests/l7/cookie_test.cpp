// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/cookie.hpp"

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

std::string found(std::initializer_list<std::string_view> fields, std::string_view name) {
  Headers headers;
  for (const auto field : fields) headers.add(HeaderId::kCookie, field);
  const auto value = find_cookie(headers, name);
  return value ? "=" + std::string(*value) : "none";
}

TEST(Cookie, IsFoundByItsWholeName) {
  EXPECT_EQ(found({"a=1; b=2; c=3"}, "a"), "=1");
  EXPECT_EQ(found({"a=1; b=2; c=3"}, "b"), "=2");
  EXPECT_EQ(found({"a=1;b=2;c=3"}, "c"), "=3");
  EXPECT_EQ(found({"ab=1; b=2"}, "b"), "=2");
  EXPECT_EQ(found({"a=b=2"}, "b"), "none");
  EXPECT_EQ(found({"A=1"}, "a"), "none");
  EXPECT_EQ(found({}, "a"), "none");
}

TEST(Cookie, TheFirstCountsInAnyField) { EXPECT_EQ(found({"x=1", "a=2; a=3", "a=4"}, "a"), "=2"); }

TEST(Cookie, ValuesAreAsTheyStand) {
  EXPECT_EQ(found({"a=\"q\"; b=x=y"}, "a"), "=\"q\"");
  EXPECT_EQ(found({"a=\"q\"; b=x=y"}, "b"), "=x=y");
  EXPECT_EQ(found({"a= 1 \t;b"}, "a"), "=1");
  EXPECT_EQ(found({"a="}, "a"), "=");
}

TEST(Cookie, NonsenseHoldsNone) {
  for (const std::string_view nonsense : {"", ";", ";;;", "=", "a", "a;", " ", "; =a"})
    EXPECT_EQ(found({nonsense}, "a"), "none") << nonsense;
}

}  // namespace
}  // namespace headgate::l7
