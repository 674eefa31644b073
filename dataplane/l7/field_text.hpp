// SPDX-License-Identifier: Apache-2.0
// What field values are made of, whichever field it is: white space around, case that does not count, lists
// (RFC 9110 section 5.6). Pure; any thread.
#pragma once

#include <string_view>

#include "dataplane/core/ascii.hpp"

namespace headgate::l7 {

inline std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// ASCII only, whatever the locale. `lower` is in lower case.
inline bool equals_ignoring_case(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (ascii::to_lower(text[i]) != lower[i]) return false;
  return true;
}

// Calls `each` with every non-empty element of a comma-separated list (RFC 9110 section 5.6.1).
template <typename Each>
void for_each_element(std::string_view list, Each&& each) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto element = trim(list.substr(0, comma));
    if (!element.empty()) each(element);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
}

}  // namespace headgate::l7
