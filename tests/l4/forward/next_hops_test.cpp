// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/next_hops.hpp"

#include <gtest/gtest.h>

namespace headgate::l4 {
namespace {

TEST(NextHops, AreKnownOnceSetAndNotOnceTakenBack) {
  NextHops next_hops;
  const uint32_t last = limits::kTargetIdsMax - 1;
  EXPECT_EQ(next_hops.find(0), std::nullopt);
  EXPECT_EQ(next_hops.find(last), std::nullopt);
  next_hops.set(last, MacAddress{0xff, 2, 3, 4, 5, 0xfe});
  next_hops.set(0, MacAddress{});
  EXPECT_EQ(next_hops.find(last), (MacAddress{0xff, 2, 3, 4, 5, 0xfe}));
  EXPECT_EQ(next_hops.find(0), MacAddress{}) << "an address like any other";
  next_hops.set(last, std::nullopt);
  EXPECT_EQ(next_hops.find(last), std::nullopt);
}

}  // namespace
}  // namespace headgate::l4
