// SPDX-License-Identifier: Apache-2.0
// Text inside a JSON string, for those who write JSON line by line on the data path and need no library for
// it: the access log, spans. Whatever bytes come in, what comes out is valid JSON in ASCII. Pure; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate {

// 1: stands for itself in a JSON string.
inline constexpr auto kPlainInJson = [] {
  std::array<uint8_t, 256> table{};
  for (int c = 0x20; c < 0x7f; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

inline void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (kPlainInJson[byte] != 0) {
      out += c;
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else {  // bytes that are no ASCII as Latin-1
      constexpr std::string_view kHex = "0123456789abcdef";
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    }
  }
}

// Without quotes around. Nearly every text stands for itself and is copied whole.
inline void append_json_text(std::string& out, std::string_view text) {
  const auto plain = [](char c) { return kPlainInJson[static_cast<unsigned char>(c)] != 0; };
  if (std::all_of(text.begin(), text.end(), plain))
    out += text;
  else
    append_escaped(out, text);
}

}  // namespace headgate
