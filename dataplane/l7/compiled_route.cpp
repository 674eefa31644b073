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
bool compile_path(const contract::PathMatch& match, Expressions& expressions, CompiledMatch& into) {
  into.path_type = match.type;
  if (match.type == PathMatchType::kRegex) {
    into.expression = expressions.get(match.value);
    if (into.expression) into.path = whole_elements(into.expression->literal_prefix());
    return into.expression != nullptr;
  }
  Arena arena;
  const auto normal = normalise_path(match.value, EscapedSlash::kKeep, arena);
  if (!normal.ok()) return false;
  into.path = normal.path;
  if (match.type == PathMatchType::kExact) return true;
  if (into.path.ends_with('/')) into.path.pop_back();  // elements count: "/abc/" is "/abc"
  return !is_too_deep(into.path);
}

// What the rule of that name had before: its policies stay where their filters do, and with them what a rate
// limiter has counted, even where the rule's forward changes.
const RoutePlan* plan_before(const CompiledRoute* previous, const std::string& rule, std::size_t index) {
  if (!previous) return nullptr;
  const auto& plans = previous->plans;
  if (rule.empty()) return index < plans.size() ? plans[index].get() : nullptr;
  const auto known =
      std::find_if(plans.begin(), plans.end(), [&](const RoutePlanPtr& plan) { return plan->rule == rule; });
  return known == plans.end() ? nullptr : known->get();
}

policy::PolicyPtr keep_policy(const contract::Boxed<contract::Filters>& filters,
                              const policy::PolicyPtr& before) {
  if (!filters) return nullptr;
  if (before && before->filters() == filters) return before;
  return std::make_shared<const policy::Policy>(filters, before.get());
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

RoutePlan make_plan(const contract::Route& route, const contract::RouteRule& rule, const RoutePlan* before,
                    const PlanMaker& maker) {
  RoutePlan plan;
  plan.namespace_name = route.namespace_name;
  plan.route = route.name;
  plan.rule = rule.name;
  plan.request_timeout = rule.request_timeout;
  plan.backend_request_timeout = rule.backend_request_timeout;
  plan.above = policy::make_policy_list(maker.policies(route.policies), blocks_inside(rule));
  plan.policy = keep_policy(rule.filters, before ? before->policy : nullptr);
  plan.idle_timeout = rule.idle_timeout;
  plan.retry = rule.retry;
  plan.affinity = rule.affinity;
  plan.mirrors = plan_mirrors(rule.filters, maker);
  std::vector<uint32_t> weights;
  for (const auto& forward : rule.forward) {
    const auto place = plan.forwards.size();
    const bool known = before && place < before->forwards.size();
    plan.forwards.push_back({forward.pool.empty() ? nullptr : maker.pool_identity(forward.pool),
                             forward.weight,
                             keep_policy(forward.filters, known ? before->forwards[place].policy : nullptr),
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
  return a.namespace_name == b.namespace_name && a.route == b.route && a.rule == b.rule &&
         std::equal(a.forwards.begin(), a.forwards.end(), b.forwards.begin(), b.forwards.end(),
                    same_forward) &&
         a.request_timeout == b.request_timeout && a.backend_request_timeout == b.backend_request_timeout &&
         a.above.same_as(b.above) && a.policy == b.policy && a.idle_timeout == b.idle_timeout &&
         a.retry == b.retry && a.affinity == b.affinity && a.mirrors == b.mirrors;
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

std::vector<policy::StandingPolicyPtr> PlanMaker::policies(const std::vector<std::string>& uids) const {
  std::vector<policy::StandingPolicyPtr> standing;
  standing.reserve(uids.size());
  for (const auto& uid : uids) standing.push_back(policy(uid));
  return standing;
}

CompiledRoutePtr compile_route(std::shared_ptr<const contract::Route> route, const CompiledRoute* previous,
                               const PlanMaker& maker) {
  auto compiled = std::make_shared<CompiledRoute>();
  compiled->object = std::move(route);
  const auto& object = *compiled->object;
  compiled->full_name = object.namespace_name + "/" + object.name;
  compiled->hostnames = compile_hostnames(object);
  for (uint32_t index = 0; index < object.rules.size(); ++index) {
    const auto& rule = object.rules[index];
    const auto* before = plan_before(previous, rule.name, index);
    compiled->plans.push_back(keep_plan(make_plan(object, rule, before, maker), previous, maker));
    static const std::vector<contract::RouteMatch> kEverything(1);  // no matches mean prefix "/"
    for (const auto& match : rule.matches.empty() ? kEverything : rule.matches) {
      CompiledMatch entry;
      entry.method = match.method;
      entry.rule = index;
      entry.route = compiled.get();
      entry.plan = compiled->plans.back().get();
      if (compile_path(match.path, maker.expressions, entry) &&
          compile_headers(match.headers, maker.expressions, entry.headers) &&
          compile_query(match.query, maker.expressions, entry.query))
        compiled->matches.push_back(std::move(entry));
    }
  }
  return compiled;
}

}  // namespace headgate::l7
