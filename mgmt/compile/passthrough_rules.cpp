// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/passthrough_rules.hpp"

namespace headgate::compile {
namespace {

// Without matches it has the one that holds always.
bool matches_everything(const Rule& rule) {
  return rule.matches == std::vector<contract::RouteMatch>{contract::RouteMatch{}};
}

}  // namespace

std::optional<PassthroughFault> fault_of_passthrough(const Route& route) {
  if (route.rules.size() != 1) return PassthroughFault{"/rules", "there is exactly one rule"};
  const auto& rule = route.rules[0];
  if (!matches_everything(rule)) return PassthroughFault{"/rules/0/matches", "there is no request to match"};
  if (rule.filters) return PassthroughFault{"/rules/0/filters", "there is no request to filter"};
  for (std::size_t i = 0; i < rule.forward.size(); ++i)
    if (rule.forward[i].filters)
      return PassthroughFault{"/rules/0/forward/" + std::to_string(i) + "/filters",
                              "there is no request to filter"};
  if (rule.request_timeout)
    return PassthroughFault{"/rules/0/timeouts/request", "there is no request; timeouts.idle has a meaning"};
  if (rule.backend_request_timeout)
    return PassthroughFault{"/rules/0/timeouts/backend_request",
                            "there is no request; timeouts.idle has a meaning"};
  if (rule.retry) return PassthroughFault{"/rules/0/retry", "nothing is tried again once it has begun"};
  if (rule.affinity) return PassthroughFault{"/rules/0/affinity", "there is no cookie"};
  return std::nullopt;
}

}  // namespace headgate::compile
