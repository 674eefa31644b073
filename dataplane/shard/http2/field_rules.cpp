// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/field_rules.hpp"

namespace headgate::shard::http2 {
namespace {

using l7::HeaderId;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool is_lower_case_token(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    const uint8_t lower = http1::kTokenLower[http1::index_of(c)];  // 0: no token's, as a NUL is none
    if (lower == 0 || lower != static_cast<uint8_t>(c)) return false;
  }
  return true;
}

}  // namespace

Fault check_value(std::string_view value) {
  if (!value.empty() && (is_blank(value.front()) || is_blank(value.back()))) return Fault::kHeaderValue;
  for (const char c : value)
    if (!http1::kFieldValue[http1::index_of(c)]) return Fault::kHeaderValue;
  return Fault::kNone;
}

Fault check_field(std::string_view name, std::string_view value, HeaderId id) {
  if (!is_lower_case_token(name)) return Fault::kHeaderName;
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyConnection:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return Fault::kConnection;
    case HeaderId::kTe:
      if (!http1::equals_ignoring_case(value, "trailers")) return Fault::kConnection;
      break;
    default:
      break;
  }
  return check_value(value);
}

std::optional<uint64_t> parse_content_length(std::string_view text) {
  if (text.empty() || text.size() > 18) return std::nullopt;
  uint64_t length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + static_cast<uint64_t>(c - '0');
  }
  return length;
}

}  // namespace headgate::shard::http2
