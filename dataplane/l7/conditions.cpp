// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/conditions.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

// Room for a text that must be put together before an expression can see it. What is longer matches none.
class Scratch {
 public:
  bool append(std::string_view text) {
    if (text.size() > bytes_.size() - used_) return false;
    if (!text.empty()) std::memcpy(bytes_.data() + used_, text.data(), text.size());
    used_ += text.size();
    return true;
  }
  bool append(char c) { return append(std::string_view(&c, 1)); }
  std::string_view text() const { return {bytes_.data(), used_}; }

 private:
  std::array<char, limits::kExpressionTextBytesMax> bytes_;
  std::size_t used_ = 0;
};

bool is_named(const Header& field, const HeaderCondition& condition) {
  return field.id == condition.id && (field.id != HeaderId::kOther || field.name == condition.name);
}

std::string_view separator(const HeaderCondition& condition) {
  return condition.id == HeaderId::kCookie ? "; " : ", ";  // RFC 9113 section 8.2.3
}

bool is_exactly(const Headers& headers, const HeaderCondition& condition) {
  std::string_view rest = condition.value;
  bool found = false;
  for (const auto& field : headers) {
    if (!is_named(field, condition)) continue;
    if (found) {
      if (!rest.starts_with(separator(condition))) return false;
      rest.remove_prefix(separator(condition).size());
    }
    if (!rest.starts_with(field.value)) return false;
    rest.remove_prefix(field.value.size());
    found = true;
  }
  return found && rest.empty();
}

bool matches_joined(const Headers& headers, const HeaderCondition& condition) {
  Scratch joined;
  bool found = false;
  for (const auto& field : headers) {
    if (!is_named(field, condition)) continue;
    if ((found && !joined.append(separator(condition))) || !joined.append(field.value)) return false;
    found = true;
  }
  return condition.expression->matches(joined.text());
}

bool matches(const Headers& headers, const HeaderCondition& condition) {
  const Header* only = nullptr;
  for (const auto& field : headers) {
    if (!is_named(field, condition)) continue;
    if (only) return matches_joined(headers, condition);
    only = &field;
  }
  return only && condition.expression->matches(only->value);
}

// Takes one character off the front of `rest`, which is not empty.
char take_decoded(std::string_view& rest) {
  const char c = rest.front();
  const int high = c == '%' && rest.size() > 2 ? ascii::hex_digit(rest[1]) : -1;
  const int low = c == '%' && rest.size() > 2 ? ascii::hex_digit(rest[2]) : -1;
  const bool escaped = high >= 0 && low >= 0;
  rest.remove_prefix(escaped ? 3 : 1);
  if (escaped) return static_cast<char>(high << 4 | low);
  return c == '+' ? ' ' : c;
}

bool decodes_to(std::string_view encoded, std::string_view text) {
  for (const char c : text)
    if (encoded.empty() || take_decoded(encoded) != c) return false;
  return encoded.empty();
}

// The first value of the key, still encoded.
std::optional<std::string_view> value_of(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const auto equals = pair.find('=');
    if (!decodes_to(pair.substr(0, equals), key)) continue;
    return equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
  }
  return std::nullopt;
}

template <typename Condition>
bool is_known(const std::vector<Condition>& conditions, const std::string& name) {
  return std::any_of(conditions.begin(), conditions.end(),
                     [&](const Condition& condition) { return condition.name == name; });
}

}  // namespace

bool holds(const HeaderCondition& condition, const RequestHead& request) {
  if (condition.id == HeaderId::kHost)
    return condition.expression ? condition.expression->matches(request.host)
                                : request.host == condition.value;
  return condition.expression ? matches(request.headers, condition) : is_exactly(request.headers, condition);
}

bool holds(const QueryCondition& condition, const RequestHead& request) {
  if (!request.query) return false;
  auto encoded = value_of(*request.query, condition.name);
  if (!encoded) return false;
  if (!condition.expression) return decodes_to(*encoded, condition.value);
  Scratch decoded;
  while (!encoded->empty())
    if (!decoded.append(take_decoded(*encoded))) return false;
  return condition.expression->matches(decoded.text());
}

bool compile_headers(const std::vector<contract::HeaderMatch>& matches, Expressions& expressions,
                     std::vector<HeaderCondition>& into) {
  for (const auto& match : matches) {
    auto name = ascii::lowered(match.name);
    if (is_known(into, name)) continue;
    const bool regex = match.type == contract::ValueMatchType::kRegex;
    auto expression = regex ? expressions.get(match.value) : nullptr;
    if (regex && !expression) return false;
    const auto id = header_id(name);
    into.push_back({std::move(name), match.value, id, std::move(expression)});
  }
  return true;
}

bool compile_query(const std::vector<contract::QueryMatch>& matches, Expressions& expressions,
                   std::vector<QueryCondition>& into) {
  for (const auto& match : matches) {
    if (is_known(into, match.name)) continue;
    const bool regex = match.type == contract::ValueMatchType::kRegex;
    auto expression = regex ? expressions.get(match.value) : nullptr;
    if (regex && !expression) return false;
    into.push_back({match.name, match.value, std::move(expression)});
  }
  return true;
}

}  // namespace headgate::l7
