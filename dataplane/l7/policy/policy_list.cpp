// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/policy_list.hpp"

namespace headgate::l7::policy {
namespace {

// What can't be done twice to one message.
constexpr Blocks kAnsweredOnce{PolicyBlock::kCors, PolicyBlock::kCompression};

const contract::Filters& nobody() {
  static const contract::Filters kNobody = [] {
    contract::Filters filters;
    filters.ip_access.emplace().deny = {*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")};
    return filters;
  }();
  return kNobody;
}

}  // namespace

StandingPolicyPtr stand(const contract::Policy& policy, const StandingPolicy* before) {
  StandingPolicy standing;
  standing.name = policy.name;
  standing.mandatory = policy.mode == contract::PolicyMode::kMandatory;
  const auto filters =
      policy.filters ? policy.filters : contract::Boxed<contract::Filters>(contract::Filters{});
  const Policy* known = before ? &before->policy : nullptr;
  const bool same = known && known->filters() == filters;
  standing.policy = same ? *known : Policy(filters, known);
  return std::make_shared<const StandingPolicy>(std::move(standing));
}

StandingPolicyPtr stand_unknown(std::string name) {
  StandingPolicy standing;
  standing.name = std::move(name);
  standing.mandatory = true;
  standing.policy = Policy(contract::Boxed<contract::Filters>(nobody()));
  return std::make_shared<const StandingPolicy>(std::move(standing));
}

PolicyList make_policy_list(std::vector<StandingPolicyPtr> outermost_first, Blocks inside) {
  PolicyList list;
  list.given = inside;
  list.policies.reserve(outermost_first.size());
  for (auto& standing : outermost_first) {
    const auto own = Blocks::of(*standing->policy.filters()) - list.replaced;
    if (standing->mandatory) list.replaced = list.replaced | (own & kAnsweredOnce);
    list.policies.push_back({std::move(standing), own});
  }
  for (auto applied = list.policies.rbegin(); applied != list.policies.rend(); ++applied) {
    const auto own = applied->blocks;
    applied->blocks = list.counting(*applied);
    list.given = list.given | own;
  }
  return list;
}

}  // namespace headgate::l7::policy
