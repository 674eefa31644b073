// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/explain.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "dataplane/core/limits.hpp"

namespace headgate::l7 {
namespace {

using contract::PathMatchType;

Failure failure_of(const ExplainedMatch& entry, const RequestHead& request) {
  if (!entry.hostname.matches(request.host)) return {Condition::kHostname, {}};
  if (!path_holds(*entry.match, request.path)) return {Condition::kPath, {}};
  return first_failure(*entry.match, request);
}

// 0: hostname and path hold.
int distance(const ExplainedMatch& entry) {
  if (entry.failure.condition == Condition::kHostname) return 2;
  return entry.failure.condition == Condition::kPath ? 1 : 0;
}

bool comes_first(const ExplainedMatch& a, const ExplainedMatch& b) {
  const auto rank = [](const ExplainedMatch& entry) {
    const bool is_prefix = entry.match->path_type == PathMatchType::kPrefix;
    return std::tuple(distance(entry), entry.hostname.kind,
                      -static_cast<std::ptrdiff_t>(entry.hostname.name.size()), entry.match->path_type,
                      is_prefix ? -static_cast<std::ptrdiff_t>(entry.match->path.size()) : 0);
  };
  const auto rank_a = rank(a);
  const auto rank_b = rank(b);
  return rank_a != rank_b ? rank_a < rank_b : wins(*a.match, *b.match);
}

}  // namespace

Explanation explain(const RoutedListener& listener, const RequestHead& request) {
  Explanation explanation;
  explanation.winner = Router::match(listener, request);
  auto& matches = explanation.matches;
  listener.hosts.for_each([&](HostKind kind, const std::string& name, const PathTable& table) {
    table.for_each([&](const CompiledMatch& match) {
      auto& entry = matches.emplace_back(ExplainedMatch{{kind, name}, &match, {}});
      entry.failure = failure_of(entry, request);
    });
  });
  const auto shown = std::min(matches.size(), limits::kExplainedRulesMax);
  explanation.left_out = matches.size() - shown;
  std::partial_sort(matches.begin(), matches.begin() + static_cast<std::ptrdiff_t>(shown), matches.end(),
                    comes_first);
  matches.resize(shown);
  return explanation;
}

std::string_view name_of(Condition condition) {
  static constexpr std::array<std::string_view, 6> kNames{"none",   "hostname", "path",
                                                          "method", "header",   "query"};
  static_assert(kNames.size() == static_cast<std::size_t>(Condition::kQuery) + 1);
  return kNames[static_cast<std::size_t>(condition)];
}

}  // namespace headgate::l7
