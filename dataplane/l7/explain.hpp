// SPDX-License-Identifier: Apache-2.0
// explain: why a request gets the rule that it gets. The winner is Router::match()'s own answer; the other
// matches of the listener's rules follow by the conditions that match() itself asks, each with the first that
// failed. Pure; it looks at every rule and allocates, so it is for people's questions and not for requests.
// Views and pointers live as long as the Router and the request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/l7/router.hpp"

namespace headgate::l7 {

// One entry of `matches` under one hostname of its route.
struct ExplainedMatch {
  HostPattern hostname;
  const CompiledMatch* match = nullptr;
  Failure failure;  // kNone: all holds; the first such one is the winner, the others are outranked by it
};

struct Explanation {
  RouteMatch winner;
  // First what the hostname and the path leave open, by HTTP.md's precedence; then those whose path is
  // another, then those whose hostname is.
  std::vector<ExplainedMatch> matches;
  std::size_t left_out = 0;  // beyond kExplainedRulesMax
};

[[nodiscard]] Explanation explain(const RoutedListener& listener, const RequestHead& request);

std::string_view name_of(Condition condition);  // "header"; "none" of kNone

}  // namespace headgate::l7
