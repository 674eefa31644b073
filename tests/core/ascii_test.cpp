// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/ascii.hpp"

#include <cctype>

#include <gtest/gtest.h>

namespace headgate::ascii {
namespace {

// The C library's, in the "C" locale that a test runs in, is the oracle for all that is ASCII.
TEST(Ascii, IsTheCLibrarysOfTheCLocaleForEveryByte) {
  for (int byte = -128; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const int code = static_cast<unsigned char>(c);
    EXPECT_EQ(is_digit(c), std::isdigit(code) != 0) << byte;
    EXPECT_EQ(is_upper(c), std::isupper(code) != 0) << byte;
    EXPECT_EQ(is_lower(c), std::islower(code) != 0) << byte;
    EXPECT_EQ(is_alphanumeric(c), std::isalnum(code) != 0) << byte;
    EXPECT_EQ(to_lower(c), static_cast<char>(std::tolower(code))) << byte;
    EXPECT_EQ(hex_digit(c) >= 0, std::isxdigit(code) != 0) << byte;
  }
}

TEST(Ascii, AHexDigitIsWorthWhatItSays) {
  for (int value = 0; value < 16; ++value) {
    EXPECT_EQ(hex_digit("0123456789abcdef"[value]), value);
    EXPECT_EQ(hex_digit("0123456789ABCDEF"[value]), value);
  }
}

TEST(Ascii, LoweredTouchesNoOtherByte) {
  EXPECT_EQ(lowered("A.Example-9_Z"), "a.example-9_z");
  EXPECT_EQ(lowered("\xc3\x84[`{@"), "\xc3\x84[`{@");
  EXPECT_EQ(lowered(""), "");
}

}  // namespace
}  // namespace headgate::ascii
