// SPDX-License-Identifier: Apache-2.0
// RoutePlan: what an exchange needs of the rule that won, and pins (pins.hpp) until it ends, so that a change
// under traffic never takes it away. It names pools by identity, not by content: backends are always those of
// the newest PoolTable. Built and freed by the control thread, const in between; any thread reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/upstream.hpp"
#include "dataplane/l7/outcome.hpp"
#include "dataplane/l7/pins.hpp"
#include "dataplane/l7/plan_name.hpp"
#include "dataplane/l7/policy/policy_list.hpp"
#include "dataplane/l7/upstream_cells.hpp"
#include "dataplane/l7/weighted_turn.hpp"

namespace headgate::l7 {

// A pool's number for as long as any table or plan names it.
struct PoolIdentity {
  using Cell = PoolCell;

  std::string uid;
  uint32_t slot = 0;
};
using PoolIdentityPtr = std::shared_ptr<const PoolIdentity>;

struct PlannedMirror {
  PoolIdentityPtr pool;
  uint32_t percent = 0;

  friend bool operator==(const PlannedMirror&, const PlannedMirror&) = default;
};

struct PlannedForward {
  PoolIdentityPtr pool;  // null: unresolved
  uint32_t weight = 0;
  policy::Policy policy;  // empty: it has no filters
  std::vector<PlannedMirror> mirrors = {};
};

// What most rules say nothing of.
struct PlanExtras {
  std::optional<std::chrono::milliseconds> request_timeout;          // the whole exchange with its retries
  std::optional<std::chrono::milliseconds> backend_request_timeout;  // one try
  std::optional<std::chrono::milliseconds> idle_timeout;             // of a response or a tunnel
  contract::Boxed<contract::Retry> retry;
  contract::Boxed<contract::CookieAffinity> affinity;
  uint32_t tries_beyond_hop = 1;       // each as long as the hop's pool says
  std::vector<PlannedMirror> mirrors;  // whichever forward is chosen; what is unresolved is not among them

  friend bool operator==(const PlanExtras&, const PlanExtras&) = default;
};

struct RoutePlan {
  PlanName name;
  int64_t created_at_ms = 0;  // of its route
  std::vector<PlannedForward> forwards;
  WeightedTurn turn;         // over `forwards`
  policy::PolicyList above;  // of the namespace and the route
  policy::Policy policy;     // empty: the rule has no filters
  contract::Boxed<PlanExtras> boxed_extras;
  policy::Blocks inside;  // what the rule's filters say, and those behind the hop
  uint32_t slot = 0;      // the cell's tally: whose turn it is

  const PlanExtras& extras() const;
};
using RoutePlanPtr = std::shared_ptr<const RoutePlan>;
using RoutePlanPin = Pin<RoutePlan>;
using PolicyListPin = Pin<policy::PolicyList>;

struct ForwardChoice {
  Outcome outcome = Outcome::kNoForward;   // kFound, kNoForward or kUnresolvedForward
  const PoolIdentity* pool = nullptr;      // where kFound; lives as long as the plan
  const policy::Policy* policy = nullptr;  // its entry's filters, or null; lives as long as the plan
  const std::vector<PlannedMirror>* mirrors = nullptr;  // its entry's, where kFound; as well
};
// The next pool by weight: over a period of all weights each gets exactly its share on this thread.
[[nodiscard]] ForwardChoice choose_forward(const RoutePlan& plan, PinRow& plans);

}  // namespace headgate::l7
