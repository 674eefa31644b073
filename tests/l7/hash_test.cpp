// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/hash.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

// The words of a text byte by byte, as hash.hpp reads them by loads that overlap.
uint64_t hash_by_bytes(std::string_view text, uint64_t chain) {
  constexpr uint64_t kA = 0xa0761d6478bd642f;
  constexpr uint64_t kB = 0xe7037ed1a0b428db;
  uint64_t hash = chain ^ kA;
  for (std::size_t at = 0;; at += 8) {
    uint64_t word = 0;
    for (std::size_t i = at; i < std::min(at + 8, text.size()); ++i)
      word |= uint64_t{static_cast<unsigned char>(text[i])} << (8 * (i - at));
    if (at + 8 > text.size()) return hash_mix(hash ^ word, kB ^ text.size());
    hash = hash_mix(hash ^ word, kB);
  }
}

// Affinity cookies and Maglev's choice by a header must be the same in replicas of two releases.
TEST(HashTest, EveryLengthHashesItsBytesAndNoOthers) {
  std::set<uint64_t> seen;
  for (std::size_t size = 0; size <= 40; ++size) {
    // Of exactly that size on the heap, so that AddressSanitizer sees a load past either end.
    const std::unique_ptr<char[]> bytes(new char[size]);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(0x81 + 37 * i);
    const std::string_view text(bytes.get(), size);
    for (const uint64_t chain : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
      EXPECT_EQ(hash_text(text, chain), hash_by_bytes(text, chain)) << size;
      EXPECT_TRUE(seen.insert(hash_text(text, chain)).second) << size;
    }
  }
}

}  // namespace
}  // namespace headgate::l7
