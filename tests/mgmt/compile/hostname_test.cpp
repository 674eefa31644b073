// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/hostname.hpp"

#include <gtest/gtest.h>

namespace headgate::compile {
namespace {

TEST(Hostname, AWildcardCoversOneOrMoreLabelsButNotItsParent) {
  EXPECT_TRUE(covers("*.example.com", "a.example.com"));
  EXPECT_TRUE(covers("*.example.com", "a.b.example.com"));
  EXPECT_TRUE(covers("*.example.com", "*.b.example.com"));
  EXPECT_TRUE(covers("*.example.com", "*.example.com"));
  EXPECT_FALSE(covers("*.example.com", "example.com"));
  EXPECT_FALSE(covers("*.example.com", "aexample.com"));
  EXPECT_FALSE(covers("*.example.com", "*.com"));
  EXPECT_FALSE(covers("a.example.com", "*.example.com"));
  EXPECT_FALSE(covers("*.example.com", ""));
  EXPECT_TRUE(covers("", "*.com"));
}

TEST(Hostname, IntersectionIsSymmetric) {
  EXPECT_TRUE(intersects("*.example.com", "a.example.com"));
  EXPECT_TRUE(intersects("a.example.com", "*.example.com"));
  EXPECT_TRUE(intersects("", "a.com"));
  EXPECT_TRUE(intersects("*.com", "*.example.com"));
  EXPECT_FALSE(intersects("a.com", "b.com"));
  EXPECT_FALSE(intersects("*.a.com", "*.b.com"));
}

TEST(Hostname, IsLowerCaseAndNoAddress) {
  EXPECT_EQ(parse_hostname("*.Example.COM"), "*.example.com");
  EXPECT_EQ(parse_hostname("localhost"), "localhost");
  EXPECT_EQ(parse_hostname("a.1b"), "a.1b");
  for (const auto* bad : {"", "*", "*.", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "192.0.2.1", "1", "::1",
                          "a:80", "*.*.a", "a.*", "a b"})
    EXPECT_FALSE(parse_hostname(bad)) << bad;
  EXPECT_TRUE(parse_hostname(std::string(63, 'a')));
  EXPECT_FALSE(parse_hostname(std::string(64, 'a')));
}

}  // namespace
}  // namespace headgate::compile
