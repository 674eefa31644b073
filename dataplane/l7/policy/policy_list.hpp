// SPDX-License-Identifier: Apache-2.0
// PolicyList: the policies above a listener, or above a rule, and what of each counts there. The levels are,
// from the outermost in: shard, listener | namespace, route, the rule's own filters. A listener and a rule
// have a list each, since any rule may be reached through several listeners: PolicyChain puts the two
// together.
//
//   default    a block counts where nothing further in has the same block
//   mandatory  a block counts whatever is further in: addresses must be let in by all, requests pass under
//              all limits, headers are edited last and so have the last word; of CORS and of compression the
//              outermost counts alone, for two answers to one question are none
//
// A policy's rate limit counts all that passes under the policy, by whichever listener or route. Built and
// freed by the control thread, const in between; any thread reads. An exchange pins the lists it passes
// under.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/l7/policy/blocks.hpp"
#include "dataplane/l7/policy/policy.hpp"

namespace headgate::l7::policy {

// A contract::Policy, compiled. Shared between revisions as long as it stays.
struct StandingPolicy {
  std::string name;  // "namespace/name", or "name"
  bool mandatory = false;
  Policy policy;  // never empty
};
using StandingPolicyPtr = std::shared_ptr<const StandingPolicy>;
// `before` (may be null) is the same policy before: what its rate limiter has counted stays with its filters.
StandingPolicyPtr stand(const contract::Policy& policy, const StandingPolicy* before);
// In the place of one that is not known: nobody passes it.
StandingPolicyPtr stand_unknown(std::string name);

struct AppliedPolicy {
  StandingPolicyPtr standing;
  Blocks blocks;  // what counts of it, as far as this list can tell

  friend bool operator==(const AppliedPolicy&, const AppliedPolicy&) = default;
};

struct PolicyList {
  std::vector<AppliedPolicy> policies;  // outermost first
  Blocks given;     // what these and what is further in say: defaults further out give way to it
  Blocks replaced;  // what a mandatory one of these alone may say: all further in gives way to it
  uint32_t slot = 0;

  // What counts of the filters further in.
  Blocks inside() const { return Blocks::all() - replaced; }
  // What counts here of a policy in a list further out.
  Blocks counting(const AppliedPolicy& outer) const {
    return outer.standing->mandatory ? outer.blocks : outer.blocks - given;
  }
  // But for the slot.
  bool same_as(const PolicyList& other) const {
    return policies == other.policies && given == other.given && replaced == other.replaced;
  }
};
using PolicyListPtr = std::shared_ptr<const PolicyList>;

// `outermost_first`: those that stand here; `inside`: what filters further in say.
PolicyList make_policy_list(std::vector<StandingPolicyPtr> outermost_first, Blocks inside);

}  // namespace headgate::l7::policy
