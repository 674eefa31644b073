// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/logged_headers.hpp"

#include <algorithm>
#include <optional>

#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

constexpr std::string_view kBetween = ", ";

bool goes_on_a_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Whole characters where it is UTF-8; of other bytes, some.
std::string_view cut(std::string_view value) {
  if (value.size() <= limits::kAccessLogHeaderBytesMax) return value;
  constexpr std::size_t kGoingOnMax = 3;
  std::size_t bytes = limits::kAccessLogHeaderBytesMax;
  for (std::size_t i = 0; i < kGoingOnMax && goes_on_a_character(value[bytes]); ++i) --bytes;
  return value.substr(0, bytes);
}

// One byte more than a log has tells cut() that there was more.
std::optional<std::string_view> joined(const Headers& from, std::string_view name, Arena& arena) {
  std::size_t bytes = 0;
  std::size_t fields = 0;
  for (const auto& field : from) {
    if (field.name != name) continue;
    bytes += field.value.size() + (fields == 0 ? 0 : kBetween.size());
    ++fields;
  }
  if (fields == 0) return std::nullopt;
  bytes = std::min(bytes, limits::kAccessLogHeaderBytesMax + 1);
  char* const begin = arena.allocate(bytes);
  char* at = begin;
  const auto put = [&](std::string_view text) {
    at = std::copy_n(text.begin(), std::min<std::size_t>(text.size(), begin + bytes - at), at);
  };
  for (const auto& field : from) {
    if (field.name != name) continue;
    put(field.value);
    if (--fields != 0) put(kBetween);
  }
  return cut({begin, bytes});
}

}  // namespace

std::string_view why_not_logged(std::string_view name) {
  constexpr std::string_view kFraming =
      "is about one connection and its framing: request_body_bytes and sent_bytes say what came of it";
  const HeaderId id = header_id(name);
  if (is_hop_by_hop(id)) return kFraming;
  switch (id) {
    case HeaderId::kAuthorization:
    case HeaderId::kCookie:
    case HeaderId::kHeadgateContext:
      return "carries credentials, which a log must not have";
    case HeaderId::kHost:
      return "is the field host";
    case HeaderId::kExpect:
      return kFraming;
    default:
      return name == "proxy-authorization" || name == "set-cookie"
                 ? "carries credentials, which a log must not have"
                 : "";
  }
}

LoggedHeaders::LoggedHeaders(const std::vector<std::string>& names) {
  for (const auto& name : names)
    if (names_.size() < limits::kAccessLogHeadersMax && why_not_logged(name).empty()) names_.push_back(name);
}

void LoggedHeaders::pick(const Headers& from, Arena& arena, Headers& into) const {
  for (const auto& name : names_)
    if (const auto value = joined(from, name, arena)) into.add({arena.copy(name), *value, HeaderId::kOther});
}

}  // namespace headgate::l7
