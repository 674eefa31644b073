// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/message.hpp"

#include <charconv>

namespace headgate::http {
namespace {

std::string_view value_or_empty(const std::map<std::string, std::string>& values, const std::string& name) {
  const auto found = values.find(name);
  return found == values.end() ? std::string_view{} : std::string_view(found->second);
}

}  // namespace

std::string_view Request::header(const std::string& lower_case_name) const {
  return value_or_empty(headers, lower_case_name);
}

std::string_view Request::parameter(const std::string& name) const { return value_or_empty(query, name); }

bool percent_decode(std::string_view text, std::string& decoded) {
  decoded.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    unsigned value = 0;
    const char* digits = text.data() + i + 1;
    if (text.size() - i < 3 || std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) return false;
    if (value == 0) return false;
    decoded.push_back(static_cast<char>(value));
    i += 2;
  }
  return true;
}

bool split_path(std::string_view path, std::vector<std::string>& segments) {
  segments.clear();
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash in front
    const auto end = std::min(path.find('/'), path.size());
    std::string decoded;
    if (!percent_decode(path.substr(0, end), decoded)) return false;
    segments.push_back(std::move(decoded));
    path.remove_prefix(end);
  }
  return true;
}

}  // namespace headgate::http
