// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/mac_address.hpp"

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(MacAddress, IsSixPairsOfHexadecimalDigits) {
  EXPECT_EQ(parse_mac_address("02:0a:fF:00:00:07"), (MacAddress{2, 10, 255, 0, 0, 7}));
  for (const char* text :
       {"", "02:00:00:00:00", "02:00:00:00:00:0", "02:00:00:00:00:07:", "02-00-00-00-00-07",
        "0x:00:00:00:00:07", " 2:00:00:00:00:07", "-2:00:00:00:00:07", "02:00:00:00:00:0g"})
    EXPECT_EQ(parse_mac_address(text), std::nullopt) << text;
}

}  // namespace
}  // namespace headgate
