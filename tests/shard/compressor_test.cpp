// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/compressor.hpp"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/decompress.hpp"

namespace headgate::shard {
namespace {

using contract::ContentCoding;
using Then = Compressor::Then;

std::optional<std::string> decompress(ContentCoding coding, std::string_view body, bool whole = true) {
  switch (coding) {
    case ContentCoding::kGzip:
      return testing_support::decompress_gzip(body, whole);
    case ContentCoding::kBrotli:
      return testing_support::decompress_brotli(body, whole);
    case ContentCoding::kZstd:
      return testing_support::decompress_zstd(body, whole);
  }
  return std::nullopt;
}

// Half noise, half what repeats itself.
std::string body_of(std::size_t bytes) {
  std::mt19937 random(static_cast<uint32_t>(bytes));
  std::string body;
  while (body.size() < bytes)
    body += random() % 2 ? std::string(random() % 200, 'x') : std::to_string(random());
  body.resize(bytes);
  return body;
}

class CompressorTest : public testing::TestWithParam<ContentCoding> {
 protected:
  std::string pass(Compressor& compressor, std::string_view data, Then then) {
    compressor.feed(data, then);
    std::string passed;
    for (auto piece = compressor.next(); !piece.empty(); piece = compressor.next()) {
      EXPECT_LE(piece.size(), limits::kCompressedPieceBytes);
      passed += piece;
    }
    return passed;
  }

  CompressorPool pool_;
};

TEST_P(CompressorTest, AClientReadsWhatTheBackendSaid) {
  for (const std::size_t bytes : {0u, 1u, 1000u, 100'000u, 3'000'000u}) {
    const auto body = body_of(bytes);
    const auto compressor = pool_.take(GetParam());
    std::mt19937 random(7);
    std::string compressed;
    std::string_view left = body;
    while (!left.empty()) {
      const auto piece = left.substr(0, 1 + random() % 70'000);
      left.remove_prefix(piece.size());
      compressed += pass(*compressor, piece, random() % 3 == 0 ? Then::kFlush : Then::kMore);
      EXPECT_FALSE(compressor->finished());
    }
    compressed += pass(*compressor, {}, Then::kEnd);
    EXPECT_TRUE(compressor->finished());
    EXPECT_EQ(decompress(GetParam(), compressed), body) << bytes;
    if (bytes >= 100'000) {
      EXPECT_LT(compressed.size(), bytes * 2 / 3);
    }
  }
}

TEST_P(CompressorTest, WhatIsFlushedCanBeReadBeforeTheRestComes) {
  const auto compressor = pool_.take(GetParam());
  std::string compressed;
  for (int i = 0; i < 3; ++i) {
    compressed += pass(*compressor, "data: " + std::to_string(i) + "\n\n", Then::kFlush);
    EXPECT_TRUE(decompress(GetParam(), compressed, false)->ends_with(std::to_string(i) + "\n\n"));
  }
}

TEST_P(CompressorTest, OneThatComesBackBeginsAnew) {
  {
    const auto left_midway = pool_.take(GetParam());
    pass(*left_midway, body_of(50'000), Then::kMore);
  }
  const auto compressor = pool_.take(GetParam());
  EXPECT_EQ(decompress(GetParam(), pass(*compressor, "whole", Then::kEnd)), "whole");
}

TEST_P(CompressorTest, ThereAreNoMoreThanTheThreadMayHave) {
  std::vector<CompressorPool::Lease> leases;
  while (!pool_.exhausted()) leases.push_back(pool_.take(GetParam()));
  EXPECT_EQ(leases.size(), limits::kCompressorsMax);
  leases.pop_back();
  EXPECT_FALSE(pool_.exhausted());
}

INSTANTIATE_TEST_SUITE_P(Codings, CompressorTest,
                         testing::Values(ContentCoding::kGzip, ContentCoding::kBrotli, ContentCoding::kZstd));

}  // namespace
}  // namespace headgate::shard
