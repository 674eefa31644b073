// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/explain_request.hpp"

#include <chrono>
#include <string>

#include "dataplane/l7/explain.hpp"
#include "dataplane/l7/path.hpp"
#include "dataplane/l7/policy/policy_chain.hpp"
#include "dataplane/shard/http1/head_parser.hpp"

namespace headgate::shard {
namespace {

std::string text_of(const l7::HostPattern& hostname) {
  return hostname.kind == l7::HostKind::kWildcard ? "*." + hostname.name : hostname.name;
}

// One without a name by its place in the route.
std::string name_of_rule(const l7::CompiledMatch& match) {
  const auto name = match.plan->name.rule();
  return name.empty() ? std::to_string(match.rule) : std::string(name);
}

std::string path_of(const l7::CompiledMatch& match) {
  if (const auto& expression = match.conditions().expression) return expression->text();
  return match.path.empty() ? "/" : match.path;
}

contract::MatchAnswer answer_of(const l7::ExplainedMatch& entry, const l7::CompiledMatch* winner) {
  contract::MatchAnswer answer{
      .namespace_name = std::string(entry.match->plan->name.namespace_name()),
      .route = std::string(entry.match->plan->name.route()),
      .rule = name_of_rule(*entry.match),
      .hostname = text_of(entry.hostname),
      .path_type = entry.match->path_type,
      .path = path_of(*entry.match),
      .wins = entry.match == winner && entry.failure.condition == l7::Condition::kNone,
      .lost_by = {},
      .lost_by_name = std::string(entry.failure.name)};
  if (entry.failure.condition != l7::Condition::kNone)
    answer.lost_by = l7::name_of(entry.failure.condition);
  else if (!answer.wins)
    answer.lost_by = "outranked";
  return answer;
}

std::vector<contract::MirrorAnswer> mirrors_of(const std::vector<l7::PlannedMirror>& planned,
                                               const l7::PoolTable& pools) {
  std::vector<contract::MirrorAnswer> answers;
  for (const auto& each : planned)
    if (const auto* pool = pools.find(*each.pool))
      answers.push_back({pool->object->namespace_name, pool->object->name, each.percent});
  return answers;
}

contract::EndpointAnswer answer_of(const l7::ServingEndpoint& serving, const l7::Ejections& ejections) {
  contract::EndpointAnswer answer{.address = serving.endpoint->address,
                                  .weight = serving.weight,
                                  .priority = serving.priority,
                                  .usable = serving.usable,
                                  .drain = serving.drain};
  answer.ejecting_threads = ejections.threads;
  answer.ejected_for = std::chrono::ceil<contract::Millis>(ejections.longest);
  return answer;
}

contract::ForwardAnswer answer_of(const l7::PlannedForward& forward, const l7::PoolTable& pools,
                                  const l7::TableBuilder& builder, TimePoint now) {
  contract::ForwardAnswer answer{.namespace_name = {}, .pool = {}, .weight = forward.weight, .endpoints = {}};
  answer.mirrors = mirrors_of(forward.mirrors, pools);
  const auto* pool = forward.pool ? pools.find(*forward.pool) : nullptr;
  if (pool == nullptr) return answer;
  answer.namespace_name = pool->object->namespace_name;
  answer.pool = pool->object->name;
  answer.hop_to = pool->object->hop_to;
  if (!answer.hop_to.empty()) return answer;
  for (const auto& serving : pool->all)
    answer.endpoints.push_back(answer_of(serving, builder.ejections(*serving.endpoint, now)));
  return answer;
}

std::vector<contract::PolicyAnswer> policies_of(const l7::RoutedListener& listener,
                                                const l7::RoutePlan& plan) {
  const l7::policy::PolicyChain chain{.listener = listener.policies.get(), .route = &plan.above};
  std::vector<contract::PolicyAnswer> answers;
  for (const auto* list : {chain.listener, chain.route}) {
    if (!list) continue;
    for (const auto& applied : list->policies) {
      const auto counting = chain.counting(applied, *list);
      const auto all = l7::policy::Blocks::of(*applied.standing->policy.filters());
      answers.push_back({.policy = applied.standing->name,
                         .mode = applied.standing->mandatory ? contract::PolicyMode::kMandatory
                                                             : contract::PolicyMode::kDefault,
                         .counts = counting.list(),
                         .gives_way = (all - counting).list()});
    }
  }
  return answers;
}

contract::RequestAnswer ended(contract::RequestAnswer answer, std::string_view outcome, uint16_t status) {
  answer.outcome = outcome;
  answer.status = status;
  return answer;
}

contract::RequestAnswer ended(contract::RequestAnswer answer, l7::Outcome outcome) {
  return ended(std::move(answer), l7::name_of(outcome), l7::http_status(outcome));
}

// What choosing among the entries would come to, without taking a turn.
l7::Outcome outcome_of(const l7::RoutePlan& plan, const l7::PoolTable& pools) {
  auto outcome = l7::Outcome::kNoForward;
  for (const auto& forward : plan.forwards) {
    if (forward.weight == 0) continue;
    if (!forward.pool) {
      outcome = l7::Outcome::kUnresolvedForward;
      continue;
    }
    const auto* pool = pools.find(*forward.pool);
    if (pool != nullptr && (pool->level < pool->levels.size() || pool->tries_all)) return l7::Outcome::kFound;
    outcome = l7::Outcome::kNoUsableBackend;
  }
  // A rule whose filter answers needs no backend.
  return plan.forwards.empty() && !plan.policy.empty() ? l7::Outcome::kFound : outcome;
}

}  // namespace

contract::RequestAnswer explain_request(const l7::TableBuilder& builder,
                                        const contract::RequestQuestion& question, TimePoint now) {
  const auto served = builder.tables();
  const l7::Tables& tables = *served;
  contract::RequestAnswer answer;
  answer.revision = tables.revision;
  answer.threads = static_cast<uint32_t>(builder.threads());
  Arena arena;
  l7::RequestHead request;
  std::string head = question.head;  // parsed in place
  const http1::HeadLimits limits{tables.settings->header_bytes_max, tables.settings->header_count_max,
                                 tables.settings->target_bytes_max};
  if (const auto fault = http1::parse_request(head, limits, arena, request); fault != http1::Fault::kNone)
    return ended(std::move(answer), http1::name_of(fault), http1::status_of(fault));
  const auto* listener = question.hop_listener.empty()
                             ? tables.router.listener(question.reached, request.host)
                             : tables.router.hop_listener(question.hop_listener);
  if (listener == nullptr)
    return ended(std::move(answer), question.hop_listener.empty()
                                        ? tables.router.without_listener(question.reached)
                                        : l7::Outcome::kNoHopListener);
  answer.listener = listener->object->name;
  // No path is seen and no status sent: the host stands for the server name.
  const bool passes_tls = listener->object->protocol == contract::Protocol::kTls;
  if (passes_tls) {
    request.path = "/";
  } else if (request.form != l7::TargetForm::kAsterisk) {
    const auto normal = l7::normalise_path(request.path, listener->object->escaped_slash, arena);
    if (!normal.ok()) return ended(std::move(answer), l7::Outcome::kBadPath);
    request.path = normal.path;
  }
  if (!passes_tls) answer.path = request.path;
  const auto explanation = l7::explain(*listener, request);
  for (const auto& entry : explanation.matches)
    answer.matches.push_back(answer_of(entry, explanation.winner.match));
  answer.left_out = explanation.left_out;
  if (explanation.winner.outcome != l7::Outcome::kFound) {
    const auto outcome = explanation.winner.outcome;
    return ended(std::move(answer), l7::name_of(outcome),
                 passes_tls ? uint16_t{0} : l7::http_status(outcome));
  }
  const auto& plan = *explanation.winner.plan;
  answer.policies = policies_of(*listener, plan);
  answer.mirrors = mirrors_of(plan.extras().mirrors, tables.pools);
  for (const auto& forward : plan.forwards)
    answer.forwards.push_back(answer_of(forward, tables.pools, builder, now));
  const auto outcome = outcome_of(plan, tables.pools);
  return ended(std::move(answer), l7::name_of(outcome), passes_tls ? uint16_t{0} : l7::http_status(outcome));
}

}  // namespace headgate::shard
