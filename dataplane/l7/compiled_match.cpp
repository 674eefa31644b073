// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/compiled_match.hpp"

#include <tuple>

#include "dataplane/l7/compiled_route.hpp"

namespace headgate::l7 {

using contract::PathMatchType;

Failure first_failure(const CompiledMatch& match, const RequestHead& request) {
  if (!match.method.empty() && match.method != request.method_text) return {Condition::kMethod, {}};
  for (const auto& condition : match.headers)
    if (!holds(condition, request)) return {Condition::kHeader, condition.name};
  for (const auto& condition : match.query)
    if (!holds(condition, request)) return {Condition::kQuery, condition.name};
  if (match.expression && !match.expression->matches(request.path)) return {Condition::kPath, {}};
  return {};
}

bool path_holds(const CompiledMatch& match, std::string_view path) {
  if (!path.starts_with('/')) return false;
  if (match.path_type == PathMatchType::kExact) return match.path == path;
  if (match.expression) return match.expression->matches(path);
  return path.starts_with(match.path) && (path.size() == match.path.size() || path[match.path.size()] == '/');
}

std::optional<std::string_view> matched_path(const CompiledMatch& match) {
  if (match.expression) return std::nullopt;
  return match.path;
}

// The address decides between entries of one rule alone, which stand in one array.
bool wins(const CompiledMatch& a, const CompiledMatch& b) {
  const auto rank = [](const CompiledMatch& match) {
    const auto& route = *match.route->object;
    return std::tuple(match.method.empty(), -static_cast<std::ptrdiff_t>(match.headers.size()),
                      -static_cast<std::ptrdiff_t>(match.query.size()), route.created_at_ms,
                      std::string_view(match.route->full_name), match.rule, &match);
  };
  return rank(a) < rank(b);
}

}  // namespace headgate::l7
