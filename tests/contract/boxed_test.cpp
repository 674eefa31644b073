// SPDX-License-Identifier: Apache-2.0
#include "dataplane/contract/boxed.hpp"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace headgate::contract {
namespace {

using Text = Boxed<std::string>;

TEST(Boxed, CostsOneWordAndHoldsNothingAtFirst) {
  static_assert(sizeof(Text) == sizeof(void*));
  const Text empty;
  EXPECT_FALSE(empty);
  EXPECT_EQ(empty, Text(std::nullopt));
  EXPECT_EQ(empty, Text(std::optional<std::string>()));
  EXPECT_EQ(empty.value_or("else"), "else");
}

TEST(Boxed, CopiesShareAndAreEqualByValue) {
  const Text a(std::string("value"));
  const Text b = a;
  const Text other(std::optional<std::string>("value"));
  EXPECT_TRUE(a.shares_with(b));
  EXPECT_FALSE(a.shares_with(other));
  EXPECT_EQ(a, other);
  EXPECT_NE(a, Text(std::string("else")));
  EXPECT_NE(a, Text());
  EXPECT_EQ(b->size(), 5U);
}

TEST(Boxed, WhatIsPutInAnewChangesNoCopy) {
  Text a(std::string("before"));
  const Text copy = a;
  a.emplace() = "after";
  EXPECT_EQ(*a, "after");
  EXPECT_EQ(*copy, "before");
}

TEST(Boxed, TheLastHolderFrees) {
  const auto counted = std::make_shared<int>(1);
  Boxed<std::shared_ptr<int>> a(counted);
  auto b = a;
  auto moved = std::move(a);
  EXPECT_EQ(counted.use_count(), 2);
  b = std::nullopt;
  EXPECT_EQ(counted.use_count(), 2);
  const auto& same = moved;
  moved = same;
  EXPECT_EQ(counted.use_count(), 2);
  moved = {};
  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace headgate::contract
