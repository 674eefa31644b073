// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/compiled_route.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>

#include "dataplane/core/arena.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/path.hpp"

namespace headgate::l7 {
namespace {

using contract::PathMatchType;

std::vector<HostPattern> compile_hostnames(const contract::Route& route) {
  if (route.hostnames.empty()) return {HostPattern{}};
  std::vector<HostPattern> patterns;
  patterns.reserve(route.hostnames.size());
  for (const auto& hostname : route.hostnames)
    if (auto pattern = HostPattern::parse(hostname)) patterns.push_back(*std::move(pattern));
  std::sort(patterns.begin(), patterns.end());
  patterns.erase(std::unique(patterns.begin(), patterns.end()), patterns.end());
  return patterns;
}

bool is_too_deep(std::string_view path) {
  const auto elements = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
  return elements > limits::kRoutePathElementsMax;
}

// Those that are whole: what comes behind the last "/" may go on.
std::string whole_elements(std::string_view literal_prefix) {
  auto elements = literal_prefix.substr(0, literal_prefix.rfind('/') + 1);
  if (elements.ends_with('/')) elements.remove_suffix(1);
  return elements.starts_with('/') && !is_too_deep(elements) ? std::string(elements) : std::string();
}

// Path and expression as tables hold them; false where they can match nothing.
bool compile_path(const contract::PathMatch& match, Expressions& expressions, CompiledMatch& into,
                  ExpressionPtr& expression) {
  into.path_type = match.type;
  if (match.type == PathMatchType::kRegex) {
    expression = expressions.get(match.value);
    if (expression) into.path = whole_elements(expression->literal_prefix());
    return expression != nullptr;
  }
  Arena arena;
  const auto normal = normalise_path(match.value, EscapedSlash::kKeep, arena);
  if (!normal.ok()) return false;
  into.path = std::string(normal.path);
  if (match.type == PathMatchType::kExact) return true;
  if (into.path.ends_with('/')) into.path.pop_back();  // elements count: "/abc/" is "/abc"
  return !is_too_deep(into.path);
}

bool compile_match(const contract::RouteMatch& match, Expressions& expressions, CompiledMatch& into) {
  MatchConditions conditions;
  conditions.method = match.method;
  if (!compile_path(match.path, expressions, into, conditions.expression) ||
      !compile_headers(match.headers, expressions, conditions.headers) ||
      !compile_query(match.query, expressions, conditions.query))
    return false;
  if (!conditions.empty()) into.boxed_conditions = std::move(conditions);
  return true;
}

// What the rule of that name had before, or without one in that place: its policies stay where their filters
// do, and with them what a rate limiter has counted, even where the rule's forward changes.
const RoutePlan* plan_before(const CompiledRoute* previous, const std::string& rule, uint32_t index) {
  if (!previous) return nullptr;
  const auto known =
      std::find_if(previous->matches.begin(), previous->matches.end(), [&](const CompiledMatch& match) {
        return rule.empty() ? match.rule == index : match.plan->name.rule() == rule;
      });
  return known == previous->matches.end() ? nullptr : known->plan.get();
}

// Shares nothing with it. A delta's objects lie one after the other, and of 10,000 of them all but this goes:
// what stays where it is would keep every page of theirs.
template <typename T>
contract::Boxed<T> own_copy(const contract::Boxed<T>& box) {
  if (!box) return {};
  T copy = *box;
  const auto unshare = [](auto& member) {
    if constexpr (requires { own_copy(member); }) member = own_copy(member);
  };
  std::apply([&](const auto&... field) { (unshare(copy.*field.member), ...); }, T::kFields);
  return copy;
}

policy::Policy keep_policy(const contract::Boxed<contract::Filters>& filters, const policy::Policy* before) {
  if (!filters) return {};
  if (before && before->filters() == filters) return *before;
  return policy::Policy(own_copy(filters), before);
}

policy::Blocks blocks_inside(const contract::RouteRule& rule) {
  policy::Blocks blocks;
  if (rule.filters) blocks = policy::Blocks::of(*rule.filters);
  for (const auto block : rule.blocks_beyond_hop) blocks.add(block);
  return blocks;
}

std::vector<PlannedMirror> plan_mirrors(const contract::Boxed<contract::Filters>& filters,
                                        const PlanMaker& maker) {
  std::vector<PlannedMirror> mirrors;
  if (!filters) return mirrors;
  for (const auto& mirror : filters->mirror)
    if (!mirror.pool.empty()) mirrors.push_back({maker.pool_identity(mirror.pool), mirror.percent});
  return mirrors;
}

contract::Boxed<PlanExtras> plan_extras(const contract::RouteRule& rule, const PlanMaker& maker) {
  PlanExtras extras{.request_timeout = rule.request_timeout,
                    .backend_request_timeout = rule.backend_request_timeout,
                    .idle_timeout = rule.idle_timeout,
                    .retry = own_copy(rule.retry),
                    .affinity = own_copy(rule.affinity),
                    .tries_beyond_hop = rule.tries_beyond_hop,
                    .mirrors = plan_mirrors(rule.filters, maker)};
  if (extras == PlanExtras{}) return {};
  return extras;
}

RoutePlan make_plan(const contract::Route& route, const contract::RouteRule& rule, const RoutePlan* before,
                    const PlanMaker& maker) {
  RoutePlan plan;
  plan.name = PlanName(route.namespace_name, route.name, rule.name);
  plan.created_at_ms = route.created_at_ms;
  plan.inside = blocks_inside(rule);
  plan.above = policy::make_policy_list(maker.policies(route.policies), plan.inside);
  plan.policy = keep_policy(rule.filters, before ? &before->policy : nullptr);
  plan.boxed_extras = plan_extras(rule, maker);
  plan.forwards.reserve(rule.forward.size());
  std::vector<uint32_t> weights;
  for (const auto& forward : rule.forward) {
    const auto place = plan.forwards.size();
    const bool known = before && place < before->forwards.size();
    plan.forwards.push_back({forward.pool.empty() ? nullptr : maker.pool_identity(forward.pool),
                             forward.weight,
                             keep_policy(forward.filters, known ? &before->forwards[place].policy : nullptr),
                             plan_mirrors(forward.filters, maker)});
    weights.push_back(forward.weight);
  }
  plan.turn = WeightedTurn(weights);
  return plan;
}

bool same_forward(const PlannedForward& a, const PlannedForward& b) {
  return a.pool == b.pool && a.weight == b.weight && a.policy == b.policy && a.mirrors == b.mirrors;
}

bool same_plan(const RoutePlan& a, const RoutePlan& b) {
  return a.name == b.name && a.created_at_ms == b.created_at_ms &&
         std::equal(a.forwards.begin(), a.forwards.end(), b.forwards.begin(), b.forwards.end(),
                    same_forward) &&
         a.inside == b.inside && a.above.same_as(b.above) && a.policy == b.policy &&
         a.boxed_extras == b.boxed_extras;
}

RoutePlanPtr keep_plan(RoutePlan plan, const CompiledRoute* previous, const PlanMaker& maker) {
  if (previous) {
    const auto known = std::find_if(previous->matches.begin(), previous->matches.end(),
                                    [&](const CompiledMatch& match) { return same_plan(*match.plan, plan); });
    if (known != previous->matches.end()) return known->plan;
  }
  return maker.plans.keep(std::move(plan));
}

Interned<RoutePlace>::Ptr place_of(const contract::Route& route, Interned<RoutePlace>& places) {
  RoutePlace place{route.listeners, route.policies};
  std::sort(place.listeners.begin(), place.listeners.end());
  place.listeners.erase(std::unique(place.listeners.begin(), place.listeners.end()), place.listeners.end());
  return places.get(std::move(place));
}

std::size_t matches_of(const contract::Route& route) {
  return std::accumulate(route.rules.begin(), route.rules.end(), std::size_t{0},
                         [](std::size_t sum, const contract::RouteRule& rule) {
                           return sum + std::max<std::size_t>(1, rule.matches.size());
                         });
}

}  // namespace

std::vector<policy::StandingPolicyPtr> PlanMaker::policies(const std::vector<std::string>& uids) const {
  std::vector<policy::StandingPolicyPtr> standing;
  standing.reserve(uids.size());
  for (const auto& uid : uids) standing.push_back(policy(uid));
  return standing;
}

CompiledRoutePtr compile_route(const contract::Route& route, const CompiledRoute* previous,
                               const PlanMaker& maker) {
  auto compiled = std::make_shared<CompiledRoute>();
  compiled->uid = route.uid;
  compiled->place = place_of(route, maker.places);
  compiled->hostnames = compile_hostnames(route);
  compiled->matches.reserve(matches_of(route));
  for (uint32_t index = 0; index < route.rules.size(); ++index) {
    const auto& rule = route.rules[index];
    const auto* before = plan_before(previous, rule.name, index);
    const auto plan = keep_plan(make_plan(route, rule, before, maker), previous, maker);
    static const std::vector<contract::RouteMatch> kEverything(1);  // no matches mean prefix "/"
    for (const auto& match : rule.matches.empty() ? kEverything : rule.matches) {
      CompiledMatch entry;
      entry.rule = index;
      entry.plan = plan;
      if (compile_match(match, maker.expressions, entry)) compiled->matches.push_back(std::move(entry));
    }
  }
  return compiled;
}

CompiledRoutePtr with_policies(const CompiledRoute& route, const PlanMaker& maker) {
  auto next = std::make_shared<CompiledRoute>(route);
  const auto standing = maker.policies(route.place->policies);
  const RoutePlan* before = nullptr;
  RoutePlanPtr plan;
  for (auto& match : next->matches) {
    if (match.plan.get() != before) {
      before = match.plan.get();
      auto changed = *before;
      changed.above = policy::make_policy_list(standing, before->inside);
      plan = changed.above.same_as(before->above) ? match.plan : maker.plans.keep(std::move(changed));
    }
    match.plan = plan;
  }
  return next;
}

}  // namespace headgate::l7
