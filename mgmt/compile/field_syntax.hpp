// SPDX-License-Identifier: Apache-2.0
// What a header field's name and value may hold. Pure.
#pragma once

#include <algorithm>
#include <string_view>

namespace headgate::compile {

// RFC 9110 section 5.6.2; a cookie's name is one too (RFC 6265 section 4.1.1).
inline bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

}  // namespace headgate::compile
