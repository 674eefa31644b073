// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/policy_chain.hpp"

namespace headgate::l7::policy {

bool PolicyChain::empty() const {
  return !rule && !forward && (!listener || listener->policies.empty()) &&
         (!route || route->policies.empty());
}

Blocks PolicyChain::counting(const AppliedPolicy& applied, const PolicyList& of) const {
  if (&of == listener) return route ? route->counting(applied) : applied.blocks;
  return listener ? applied.blocks - listener->replaced : applied.blocks;
}

Blocks PolicyChain::inside() const {
  const auto blocks = route ? route->inside() : Blocks::all();
  return listener ? blocks - listener->replaced : blocks;
}

ChainVerdict PolicyChain::enter(const RequestFacts& facts, RequestHead& request, ResponseHead& answer,
                                Arena& arena) const {
  for (const auto* list : {listener, route}) {
    if (!list) continue;
    for (const auto& applied : list->policies) {
      const auto& policy = applied.standing->policy;
      const auto blocks = counting(applied, *list);
      const auto verdict = guard(policy, blocks, facts, request, answer, arena);
      if (verdict.answered_by != Filter::kNone) return {verdict, applied.standing->name};
      if (!applied.standing->mandatory && blocks.has(PolicyBlock::kRequestHeaders))
        policy.edit_request(request.headers);
    }
  }
  if (!rule) return {};
  return {filter_request(*rule, inside(), facts, request, answer, arena), {}};
}

ChainVerdict PolicyChain::enter_forward(const RequestFacts& facts, RequestHead& request, ResponseHead& answer,
                                        Arena& arena) const {
  if (forward) {
    const auto verdict = filter_request(*forward, inside(), facts, request, answer, arena);
    if (verdict.answered_by != Filter::kNone) return {verdict, {}};
  }
  for (const auto* list : {route, listener}) {
    if (!list) continue;
    for (auto applied = list->policies.rbegin(); applied != list->policies.rend(); ++applied)
      if (applied->standing->mandatory && counting(*applied, *list).has(PolicyBlock::kRequestHeaders))
        applied->standing->policy.edit_request(request.headers);
  }
  return {};
}

const contract::Compression* PolicyChain::compression() const {
  for (const auto* list : {listener, route}) {
    if (!list) continue;
    for (const auto& applied : list->policies)
      if (counting(applied, *list).has(PolicyBlock::kCompression))
        return &*applied.standing->policy.filters()->compression;
  }
  for (const auto* policy : {forward, rule})
    if (policy && policy->filters()->compression && inside().has(PolicyBlock::kCompression))
      return &*policy->filters()->compression;
  return nullptr;
}

const contract::BufferRequest* PolicyChain::buffer_request() const {
  for (const auto* policy : {forward, rule})
    if (policy && policy->filters()->buffer_request) return &*policy->filters()->buffer_request;
  return nullptr;
}

template <typename Visit>
void PolicyChain::for_each(PolicyBlock block, Visit&& visit) const {
  for (const auto* list : {listener, route}) {
    if (!list) continue;
    for (const auto& applied : list->policies)
      if (counting(applied, *list).has(block)) visit(applied.standing->policy);
  }
  for (const auto* policy : {rule, forward})
    if (policy && inside().has(block)) visit(*policy);
}

void PolicyChain::guard_request_trailers(Headers& trailers) const {
  for_each(PolicyBlock::kRequestHeaders,
           [&](const Policy& policy) { policy.guard_request_trailers(trailers); });
}

void PolicyChain::guard_response_trailers(Headers& trailers) const {
  for_each(PolicyBlock::kResponseHeaders,
           [&](const Policy& policy) { policy.guard_response_trailers(trailers); });
}

void PolicyChain::leave(std::string_view origin, ResponseHead& response) const {
  for (const auto* policy : {forward, rule})
    if (policy) filter_response(*policy, inside(), origin, response);
  for (const auto* list : {route, listener}) {
    if (!list) continue;
    for (auto applied = list->policies.rbegin(); applied != list->policies.rend(); ++applied)
      filter_response(applied->standing->policy, counting(*applied, *list), origin, response);
  }
}

}  // namespace headgate::l7::policy
