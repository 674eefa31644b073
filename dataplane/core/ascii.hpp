// SPDX-License-Identifier: Apache-2.0
// Letters and digits of protocols: ASCII alone, whatever the locale. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace headgate::ascii {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_alphanumeric(char c) { return is_digit(c) || is_lower(c) || is_upper(c); }

constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c + ('a' - 'A')) : c; }

// 0 to 15; -1 where it is none.
constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char low = to_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

inline std::string lowered(std::string_view text) {
  std::string lower(text);
  for (auto& c : lower) c = to_lower(c);
  return lower;
}

}  // namespace headgate::ascii
