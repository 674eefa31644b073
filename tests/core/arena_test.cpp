// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/arena.hpp"

#include <string>

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(Arena, WhatOverflowsTheFirstChunkStaysUntilReset) {
  Arena arena;
  const std::string long_text(3 * Arena::kChunkBytes, 'x');
  const auto short_view = arena.join({"a", "", "b"});
  const auto long_view = arena.copy(long_text);
  const auto after = arena.copy("tail");
  EXPECT_EQ(short_view, "ab");
  EXPECT_EQ(long_view, long_text);
  EXPECT_EQ(after, "tail");
}

TEST(Arena, ResetHandsOutTheSameBytesAgain) {
  Arena arena;
  const char* const first = arena.copy("one").data();
  arena.copy(std::string(2 * Arena::kChunkBytes, 'x'));
  arena.reset();
  EXPECT_EQ(arena.copy("two").data(), first);
}

TEST(Arena, TheUnusedTailIsGivenBack) {
  Arena arena;
  char* const room = arena.allocate(100);
  arena.shrink_last(room + 3);
  EXPECT_EQ(arena.copy("next").data(), room + 3);
}

}  // namespace
}  // namespace headgate
