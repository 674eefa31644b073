// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/cookie.hpp"

#include "dataplane/l7/field_text.hpp"

namespace headgate::l7 {
namespace {

std::optional<std::string_view> find_in(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    const auto end = field.find(';');
    const auto pair = field.substr(0, end);
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos && trim(pair.substr(0, equals)) == name)
      return trim(pair.substr(equals + 1));
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
