// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/compiled_route.hpp"

#include <algorithm>
#include <optional>

#include "dataplane/core/arena.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/path.hpp"

namespace headgate::l7 {
namespace {

using contract::PathMatchType;

std::vector<HostPattern> compile_hostnames(const contract::Route& route) {
  if (route.hostnames.empty()) return {HostPattern{}};
  std::vector<HostPattern> patterns;
  for (const auto& hostname : route.hostnames)
    if (auto pattern = HostPattern::parse(hostname)) patterns.push_back(*std::move(pattern));
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  return patterns;
}

// The match's path as tables hold it; nullopt where it can match nothing.
std::optional<std::string> compile_path(const contract::PathMatch& match) {
  Arena arena;
  const auto normal = normalise_path(match.value, EscapedSlash::kKeep, arena);
  if (!normal.ok()) return std::nullopt;
  std::string path(normal.path);
  if (match.type == PathMatchType::kExact) return path;
  if (path.ends_with('/')) path.pop_back();  // elements count: "/abc/" is "/abc"
  const auto elements = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
  if (elements > limits::kRoutePathElementsMax) return std::nullopt;
  return path;
}

// Of several conditions on one name the first counts (Gateway API, HTTPHeaderMatch).
std::vector<HeaderCondition> compile_headers(const std::vector<contract::HeaderMatch>& matches) {
  std::vector<HeaderCondition> conditions;
  for (const auto& match : matches) {
    std::string name = match.name;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const bool known = std::any_of(conditions.begin(), conditions.end(),
                                   [&](const HeaderCondition& condition) { return condition.name == name; });
    if (!known) conditions.push_back({name, match.value, header_id(name)});
  }
  return conditions;
}

RoutePlan make_plan(const contract::Route& route, const contract::RouteRule& rule, const PlanMaker& maker) {
  RoutePlan plan;
  plan.namespace_name = route.namespace_name;
  plan.route = route.name;
  plan.rule = rule.name;
  plan.request_timeout = rule.request_timeout;
  plan.backend_request_timeout = rule.backend_request_timeout;
  std::vector<uint32_t> weights;
  for (const auto& forward : rule.forward) {
    plan.forwards.push_back(
        {forward.pool.empty() ? nullptr : maker.pool_identity(forward.pool), forward.weight});
    weights.push_back(forward.weight);
  }
  plan.turn = WeightedTurn(weights);
  return plan;
}

bool same_plan(const RoutePlan& a, const RoutePlan& b) {
  return a.namespace_name == b.namespace_name && a.route == b.route && a.rule == b.rule &&
         a.forwards == b.forwards && a.request_timeout == b.request_timeout &&
         a.backend_request_timeout == b.backend_request_timeout;
}

RoutePlanPtr keep_plan(RoutePlan plan, const CompiledRoute* previous, const PlanMaker& maker) {
  if (previous) {
    const auto known = std::find_if(previous->plans.begin(), previous->plans.end(),
                                    [&](const RoutePlanPtr& old) { return same_plan(*old, plan); });
    if (known != previous->plans.end()) return *known;
  }
  return maker.plans.keep(std::move(plan));
}

}  // namespace

CompiledRoutePtr compile_route(std::shared_ptr<const contract::Route> route, const CompiledRoute* previous,
                               const PlanMaker& maker) {
  auto compiled = std::make_shared<CompiledRoute>();
  compiled->object = std::move(route);
  const auto& object = *compiled->object;
  compiled->full_name = object.namespace_name + "/" + object.name;
  compiled->hostnames = compile_hostnames(object);
  for (uint32_t index = 0; index < object.rules.size(); ++index) {
    const auto& rule = object.rules[index];
    compiled->plans.push_back(keep_plan(make_plan(object, rule, maker), previous, maker));
    static const std::vector<contract::RouteMatch> kEverything(1);  // no matches mean prefix "/"
    for (const auto& match : rule.matches.empty() ? kEverything : rule.matches) {
      auto path = compile_path(match.path);
      if (!path) continue;
      compiled->matches.push_back({.path_type = match.path.type,
                                   .path = *std::move(path),
                                   .method = match.method,
                                   .headers = compile_headers(match.headers),
                                   .rule = index,
                                   .route = compiled.get(),
                                   .plan = compiled->plans.back().get()});
    }
  }
  return compiled;
}

}  // namespace headgate::l7
