// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/route_plan.hpp"

namespace headgate::l7 {

const PlanExtras& RoutePlan::extras() const {
  static const PlanExtras kNone;
  return boxed_extras ? *boxed_extras : kNone;
}

ForwardChoice choose_forward(const RoutePlan& plan, PinRow& plans) {
  if (plan.turn.empty()) return {};
  const auto& forward = plan.forwards[plan.turn.next(plans.cell(plan.slot).tally)];
  if (!forward.pool) return {Outcome::kUnresolvedForward};
  return {Outcome::kFound, forward.pool.get(), forward.policy.get(), &forward.mirrors};
}

}  // namespace headgate::l7
