// SPDX-License-Identifier: Apache-2.0
// The alerts that a client of TLS gets from us where no session with it exists: a plain record that says why
// the connection ends. Constants and a pure function.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::shard {

// Records of TLS 1.2, as every version reads them (RFC 8446 sections 5.1 and 6).
inline constexpr std::string_view kDecodeError("\x15\x03\x03\x00\x02\x02\x32", 7);
inline constexpr std::string_view kAccessDenied("\x15\x03\x03\x00\x02\x02\x31", 7);
inline constexpr std::string_view kInternalError("\x15\x03\x03\x00\x02\x02\x50", 7);
inline constexpr std::string_view kUnrecognizedName("\x15\x03\x03\x00\x02\x02\x70", 7);  // RFC 6066 section 3

// In the place of the HTTP answer of that status; empty: the connection ends without a word.
constexpr std::string_view alert_for(uint16_t http_status) {
  switch (http_status) {
    case 400:
      return kDecodeError;
    case 403:
    case 429:
      return kAccessDenied;
    case 404:
      return kUnrecognizedName;
    case 408:
      return {};
    default:
      return kInternalError;
  }
}

}  // namespace headgate::shard
