// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/base64.hpp"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(Base64, ThePairsOfTheRfc) {  // RFC 4648 section 10
  for (const auto& [bytes, text] : std::vector<std::pair<std::string, std::string>>{{"", ""},
                                                                                    {"f", "Zg=="},
                                                                                    {"fo", "Zm8="},
                                                                                    {"foo", "Zm9v"},
                                                                                    {"foob", "Zm9vYg=="},
                                                                                    {"fooba", "Zm9vYmE="},
                                                                                    {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    const auto text = to_base64(bytes);
    EXPECT_EQ(text.size(), base64_length(bytes.size()));
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, WhatHasAnotherSpellingIsRefused) {
  for (const auto* text : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "=", "====", "Zm 9", "Zm9v\n",
                           "Zm-_", "Z===", "=Zm9", "Zm9v=", "Zm\xc3\xa4"})
    EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace headgate
