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

TEST(MacAddress, IsTheSameInAWord) {
  const std::array<uint8_t, 8> bytes{0xff, 1, 2, 3, 4, 0xfe, 7, 7};
  std::array<uint8_t, 8> copy{9, 9, 9, 9, 9, 9, 9, 9};
  store_mac(copy.data(), load_mac(bytes.data()) | uint64_t{1} << 63);
  EXPECT_EQ(copy, (std::array<uint8_t, 8>{0xff, 1, 2, 3, 4, 0xfe, 9, 9})) << "six bytes and no others";
}

}  // namespace
}  // namespace headgate
