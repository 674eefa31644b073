// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/frozen_map.hpp"

#include <map>
#include <random>

#include <gtest/gtest.h>

namespace headgate::l4 {
namespace {

TEST(FrozenMap, SaysWhatStdMapSays) {
  std::mt19937 random(1);
  for (const std::size_t size : {0, 1, 2, 3, 10, 1000}) {
    std::map<uint64_t, int> oracle;
    std::vector<std::pair<uint64_t, int>> entries;
    for (std::size_t i = 0; i < size; ++i) {
      const uint64_t key = uint64_t{random() % (2 * size)} << 32;  // many alike in their low bits
      entries.emplace_back(key, static_cast<int>(i));
      oracle[key] = static_cast<int>(i);
    }
    const FrozenMap<uint64_t, int> map(entries);
    for (uint64_t number = 0; number < 2 * size + 2; ++number) {
      const auto expected = oracle.find(number << 32);
      const int* found = map.find(number << 32);
      ASSERT_EQ(found, map.find_rare(number << 32));
      ASSERT_EQ(found != nullptr, expected != oracle.end());
      if (found != nullptr) {
        ASSERT_EQ(*found, expected->second);
      }
    }
  }
}

TEST(FrozenMap, ADefaultOneIsEmpty) {
  const FrozenMap<uint64_t, int> map;
  EXPECT_EQ(map.find(0), nullptr);
  EXPECT_EQ(map.find(UINT64_MAX), nullptr);
  EXPECT_EQ(map.find_rare(UINT64_MAX), nullptr);
}

}  // namespace
}  // namespace headgate::l4
