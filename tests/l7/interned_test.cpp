// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/interned.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

TEST(Interned, EqualValuesAreOne) {
  Interned<std::string> texts;
  const auto a = texts.get("a");
  EXPECT_EQ(texts.get("a"), a);
  EXPECT_NE(texts.get("b"), a);
  EXPECT_EQ(*a, "a");
}

TEST(Interned, ForgetsWhatNobodyHolds) {
  Interned<std::string> texts;
  const auto held = texts.get("held");
  for (int i = 0; i < 10'000; ++i) (void)texts.get(std::to_string(i));
  EXPECT_LT(texts.size(), 100U);
  EXPECT_EQ(texts.get("held"), held);
}

TEST(Interned, KeepsAsManyAsAreHeld) {
  Interned<std::string> texts;
  std::vector<Interned<std::string>::Ptr> held;
  for (int i = 0; i < 1'000; ++i) held.push_back(texts.get(std::to_string(i)));
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(texts.get(std::to_string(i)), held[static_cast<std::size_t>(i)]);
  EXPECT_EQ(texts.size(), held.size());
}

}  // namespace
}  // namespace headgate::l7
