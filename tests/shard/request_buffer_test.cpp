// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/request_buffer.hpp"

#include <string>

#include <gtest/gtest.h>

namespace headgate::shard {
namespace {

class RequestBufferTest : public testing::Test {
 protected:
  static std::string all_of(RequestBuffer& buffer) {
    std::string body;
    for (buffer.rewind(); !buffer.at_end();) {
      const auto piece = buffer.next();
      EXPECT_TRUE(piece.kept);
      EXPECT_EQ(piece.end, buffer.at_end());
      body += piece.data;
    }
    return body;
  }
  BlockPool blocks_;
  BufferBudget budget_{.bytes_max = 1 << 20};
};

TEST_F(RequestBufferTest, WhatWentInComesOutAsOftenAsItIsAskedFor) {
  RequestBuffer buffer(blocks_, budget_);
  std::string expected;
  for (int i = 0; i < 300; ++i) {
    const std::string piece(static_cast<std::size_t>(i * 7), static_cast<char>('a' + i % 26));
    ASSERT_TRUE(buffer.append(piece));
    expected += piece;
  }
  EXPECT_EQ(buffer.bytes(), expected.size());
  EXPECT_EQ(all_of(buffer), expected);
  EXPECT_EQ(all_of(buffer), expected);
}

TEST_F(RequestBufferTest, OfNoByteThereIsNoPiece) {
  RequestBuffer buffer(blocks_, budget_);
  ASSERT_TRUE(buffer.append(""));
  EXPECT_TRUE(buffer.at_end());
  EXPECT_EQ(budget_.held_bytes, 0u);
}

TEST_F(RequestBufferTest, AShortBodyHoldsLittle) {
  RequestBuffer buffer(blocks_, budget_);
  ASSERT_TRUE(buffer.append("short"));
  EXPECT_EQ(budget_.held_bytes, limits::kSmallBlockBytes);
}

TEST_F(RequestBufferTest, TheBudgetIsOfAllTogetherAndComesBack) {
  budget_.bytes_max = 2 * limits::kLargeBlockBytes;
  const std::string large(limits::kLargeBlockBytes, 'x');
  {
    RequestBuffer one(blocks_, budget_), other(blocks_, budget_);
    ASSERT_TRUE(one.append(large));
    ASSERT_TRUE(other.append(large));
    EXPECT_FALSE(one.append("x"));
    other.clear();
    EXPECT_TRUE(one.append("x"));
    EXPECT_EQ(other.bytes(), 0u);
  }
  EXPECT_EQ(budget_.held_bytes, 0u);
}

}  // namespace
}  // namespace headgate::shard
