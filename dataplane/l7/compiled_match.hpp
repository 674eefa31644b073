// SPDX-License-Identifier: Apache-2.0
// CompiledMatch: one entry of `matches` of one rule, in the form that tables hold, what of it a request
// fails, and which of two wins (HTTP.md's precedence). Plain values, owned by their CompiledRoute; pure
// functions; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/boxed.hpp"
#include "dataplane/contract/route_match.hpp"
#include "dataplane/l7/conditions.hpp"
#include "dataplane/l7/expression.hpp"

namespace headgate::l7 {

struct CompiledRoute;
struct RoutePlan;

// What most matches do not ask.
struct MatchConditions {
  std::string method;                    // empty: any
  std::vector<HeaderCondition> headers;  // each name once
  std::vector<QueryCondition> query;     // each name once
  ExpressionPtr expression;              // of the path; where kRegex

  bool empty() const { return method.empty() && headers.empty() && query.empty() && !expression; }
};

struct CompiledMatch {
  contract::PathMatchType path_type = contract::PathMatchType::kPrefix;
  uint32_t rule = 0;  // its place in the route
  // Normal. A prefix without its final "/", so "" is every path; of an expression, the prefix that all it
  // matches have.
  std::string path;
  contract::Boxed<MatchConditions> boxed_conditions;
  std::shared_ptr<const RoutePlan> plan;

  const MatchConditions& conditions() const;
};

// A match and what keeps it.
struct HeldMatch {
  const CompiledMatch* match = nullptr;
  std::shared_ptr<const CompiledRoute> route;
};

// What of a match a request fails.
enum class Condition : uint8_t { kNone, kHostname, kPath, kMethod, kHeader, kQuery };
struct Failure {
  Condition condition = Condition::kNone;
  std::string_view name;  // of the header or query parameter
};
// Beside hostname and path, which are the tables' business but for an expression. The cheap come first.
Failure first_failure(const CompiledMatch& match, const RequestHead& request);
// Whether the path holds, as the table finds it.
bool path_holds(const CompiledMatch& match, std::string_view path);
// The part of a request's path that a filter may replace as the matched prefix; nullopt of an expression.
std::optional<std::string_view> matched_path(const CompiledMatch& match);
// Whether `a` wins over `b` where both match and stand under the same hostname and path, or under the same
// hostname and are expressions.
bool wins(const CompiledMatch& a, const CompiledMatch& b);

}  // namespace headgate::l7
