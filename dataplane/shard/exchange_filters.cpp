// SPDX-License-Identifier: Apache-2.0
// Exchange: the filters of its rule and of the forward that was chosen (l7/policy), applied.
#include "dataplane/shard/exchange_filters.hpp"

#include "dataplane/shard/own_response.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// Of the rule where `policy` is the plan's own. True: a filter has answered, and the exchange with it.
bool Exchange::filter_request(const l7::policy::Policy* policy, const l7::CompiledMatch& match) {
  if (!policy) return false;
  (policy == plan_->policy.get() ? filters_.rule : filters_.forward) = policy;
  if (!filters_.met) {
    const auto* origin = request_.headers.find("origin");
    filters_.met = true;
    filters_.host = request_.host;
    filters_.path = request_.path;
    filters_.origin = origin ? origin->value : std::string_view{};
  }
  response_.clear();
  const auto verdict = l7::policy::filter_request(*policy,
                                                  {.forwarded = facts_,
                                                   .matched_path = l7::matched_path(match),
                                                   .now = bench_.loop.now().time_since_epoch()},
                                                  request_, response_, arena_);
  if (verdict.answered_by == l7::policy::Filter::kNone) return false;
  response_.reason = reason_phrase(response_.status);
  if (!response_.headers.find(l7::HeaderId::kServer))
    response_.headers.add(l7::HeaderId::kServer, "headgate");
  detail_ = name_of(verdict.answered_by);
  answer_with(Ending::kFiltered, response_, verdict.body);
  return true;
}

void Exchange::filter_response(l7::ResponseHead& response) const {
  for (const auto* policy : {filters_.forward, filters_.rule})
    if (policy) l7::policy::filter_response(*policy, filters_.origin, response);
}

}  // namespace headgate::shard
