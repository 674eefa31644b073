// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/mirror.hpp"

#include <random>

#include <gtest/gtest.h>

namespace headgate::l7 {
namespace {

TEST(Mirror, NoneAndAllAreExact) {
  for (const uint64_t random : {uint64_t{0}, uint64_t{1} << 32, UINT64_MAX / 2, UINT64_MAX}) {
    EXPECT_FALSE(is_mirrored(0, random));
    EXPECT_TRUE(is_mirrored(100, random));
  }
}

TEST(Mirror, TheShareFollowsThePercentage) {
  std::mt19937_64 random(3);
  for (const uint32_t percent : {1u, 10u, 50u, 99u}) {
    int mirrored = 0;
    for (int i = 0; i < 100'000; ++i) mirrored += is_mirrored(percent, random());
    EXPECT_NEAR(mirrored, percent * 1000, 600) << percent;
  }
}

}  // namespace
}  // namespace headgate::l7
