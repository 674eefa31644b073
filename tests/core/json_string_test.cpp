// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/json_string.hpp"

#include <gtest/gtest.h>

namespace headgate {
namespace {

TEST(JsonString, EveryByteComesOutAsJson) {
  struct Case {
    std::string_view text;
    std::string_view written;
  };
  const Case cases[] = {{"", ""},
                        {"/a?b=c", "/a?b=c"},
                        {R"(a"b\c)", R"(a\"b\\c)"},
                        {"\n\x01\x7f", R"(\u000a\u0001\u007f)"},
                        {"\xc3\xa9", R"(\u00c3\u00a9)"},
                        {std::string_view("\0", 1), R"(\u0000)"}};
  for (const auto& [text, written] : cases) {
    std::string out = "x";
    append_json_text(out, text);
    EXPECT_EQ(out, "x" + std::string(written));
  }
}

}  // namespace
}  // namespace headgate
