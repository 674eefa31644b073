// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/compiled_match.hpp"

#include <tuple>

#include "dataplane/l7/route_plan.hpp"

namespace headgate::l7 {

using contract::PathMatchType;

const MatchConditions& CompiledMatch::conditions() const {
  static const MatchConditions kNone;
  return boxed_conditions ? *boxed_conditions : kNone;
}

Failure first_failure(const CompiledMatch& match, const RequestHead& request) {
  if (!match.boxed_conditions) return {};
  const auto& asked = *match.boxed_conditions;
  if (!asked.method.empty() && asked.method != request.method_text) return {Condition::kMethod, {}};
  for (const auto& condition : asked.headers)
    if (!holds(condition, request)) return {Condition::kHeader, condition.name};
  for (const auto& condition : asked.query)
    if (!holds(condition, request)) return {Condition::kQuery, condition.name};
  if (asked.expression && !asked.expression->matches(request.path)) return {Condition::kPath, {}};
  return {};
}

bool path_holds(const CompiledMatch& match, std::string_view path) {
  if (!path.starts_with('/')) return false;
  if (match.path_type == PathMatchType::kExact) return match.path == path;
  if (match.path_type == PathMatchType::kRegex) return match.conditions().expression->matches(path);
  return path.starts_with(match.path) && (path.size() == match.path.size() || path[match.path.size()] == '/');
}

std::optional<std::string_view> matched_path(const CompiledMatch& match) {
  if (match.path_type == PathMatchType::kRegex) return std::nullopt;
  return match.path;
}

// The address decides between entries of one rule alone, which stand in one array.
bool wins(const CompiledMatch& a, const CompiledMatch& b) {
  const auto rank = [](const CompiledMatch& match) {
    const auto& conditions = match.conditions();
    return std::tuple(conditions.method.empty(), -static_cast<std::ptrdiff_t>(conditions.headers.size()),
                      -static_cast<std::ptrdiff_t>(conditions.query.size()), match.plan->created_at_ms,
                      match.plan->name.route_in_full(), match.rule, &match);
  };
  return rank(a) < rank(b);
}

}  // namespace headgate::l7
