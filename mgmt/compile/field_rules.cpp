// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/field_rules.hpp"

#include <algorithm>

#include "dataplane/core/ascii.hpp"

namespace headgate::compile {

// Section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return ascii::is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
  });
}

// Section 5.5.
bool is_field_value(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  if (!text.empty() && (is_space(text.front()) || is_space(text.back()))) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

}  // namespace headgate::compile
