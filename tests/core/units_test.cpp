// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/units.hpp"

#include <gtest/gtest.h>

namespace headgate {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsAreSpelledAsRestSpellsThem) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(0ms), "0ms");
}

TEST(Units, RefusesWhatHasNoUnitOrTooMuch) {
  for (const auto* text :
       {"", "10", "1.5s", "-1s", " 1s", "1 s", "1S", "99999999999999999999s", "9223372036854775807h"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, SizesAreBinary) {
  EXPECT_EQ(parse_size_bytes("64Ki"), 65536u);
  EXPECT_EQ(parse_size_bytes("512"), 512u);
  EXPECT_EQ(format_size_bytes(3u << 20), "3Mi");
  EXPECT_FALSE(parse_size_bytes("64K"));
}

}  // namespace
}  // namespace headgate
