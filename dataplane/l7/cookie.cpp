// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/cookie.hpp"

namespace headgate::l7 {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<std::string_view> find_in(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    const auto end = field.find(';');
    const auto pair = field.substr(0, end);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && trimmed(pair.substr(0, equals)) == name)
      return trimmed(pair.substr(equals + 1));
    if (end == std::string_view::npos) break;
    field.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> find_cookie(const Headers& headers, std::string_view name) {
  for (const auto& field : headers) {
    if (field.id != HeaderId::kCookie) continue;
    if (const auto value = find_in(field.value, name)) return value;
  }
  return std::nullopt;
}

}  // namespace headgate::l7
