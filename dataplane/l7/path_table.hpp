// SPDX-License-Identifier: Apache-2.0
// PathTable: the rules of one hostname of one listener by path; of those that match a request it finds the
// one that HTTP.md's precedence prefers: exact path, longest prefix by elements, expression, then method,
// number of headers, number of query parameters, age, namespace/name, order in the route. Immutable; with()
// shares with its predecessor what stays. Threads: with() the control thread; match() any.
//
// Cost: a look-up for the exact path and one for each length in elements that the table's prefixes have; then
// the rules under the very same path in turn, which only methods, headers and query tell apart. Expressions
// stand under the whole elements that all their matches begin with ("/api/v[0-9]+/x" under "/api"), so only
// those are run that the request's own beginning leaves open.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/objects.hpp"
#include "dataplane/l7/conditions.hpp"
#include "dataplane/l7/depths.hpp"
#include "dataplane/l7/http_message.hpp"
#include "dataplane/l7/route_plan.hpp"
#include "dataplane/l7/shared_map.hpp"

namespace headgate::l7 {

struct CompiledRoute;

// One entry of `matches` of one rule.
struct CompiledMatch {
  contract::PathMatchType path_type = contract::PathMatchType::kPrefix;
  // Normal. A prefix without its final "/", so "" is every path; of an expression, the prefix that all it
  // matches have.
  std::string path;
  ExpressionPtr expression;              // where kRegex
  std::string method;                    // empty: any
  std::vector<HeaderCondition> headers;  // each name once
  std::vector<QueryCondition> query;     // each name once
  uint32_t rule = 0;                     // its place in the route
  const CompiledRoute* route = nullptr;  // which owns this match and its plan
  const RoutePlan* plan = nullptr;
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

class PathTable {
 public:
  // A match that comes or goes; its route is held by `route`.
  struct Change {
    const CompiledMatch* match = nullptr;
    std::shared_ptr<const CompiledRoute> route;  // null: goes
  };

  bool empty() const { return exact_.empty() && prefix_.empty() && expression_.empty(); }
  const CompiledMatch* match(const RequestHead& request) const;
  PathTable with(std::vector<Change> changes) const;

  // All of them, in no order.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const auto* map : {&exact_, &prefix_, &expression_})
      map->for_each([&](const Candidates& candidates) {
        for (const auto& candidate : candidates.list) visit(*candidate.match);
      });
  }

 private:
  struct Candidate {
    const CompiledMatch* match;
    std::shared_ptr<const CompiledRoute> route;
  };
  // All that stand under one path, winners first.
  struct Candidates {
    std::string path;
    std::vector<Candidate> list;
    std::string_view key() const { return path; }
    const CompiledMatch* first_that_holds(const RequestHead& request) const;
  };
  using Map = SharedMap<Candidates>;

  const CompiledMatch* match_prefixes(const RequestHead& request) const;
  const CompiledMatch* match_expressions(const RequestHead& request) const;
  static Map::Change changed(const Map& map, std::span<Change> changes);
  static void count(Depths& depths, const Map& before, const Map::Change& change);

  Map exact_;
  Map prefix_;
  Map expression_;
  Depths prefix_depths_;
  Depths expression_depths_;
};

}  // namespace headgate::l7
