// SPDX-License-Identifier: Apache-2.0
// CompiledRoute: a contract::Route in the form that tables hold: hostnames and paths in their normal form,
// header names split from what a look-up needs, one RoutePlan a rule. What can't be normal (a path that
// normalise_path refuses, an expression that is none) matches nothing and harms nothing else. Thread: control
// builds and frees; const in between, any thread reads. It owns the matches and plans that tables point at.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/objects.hpp"
#include "dataplane/l7/compiled_match.hpp"
#include "dataplane/l7/host_pattern.hpp"
#include "dataplane/l7/route_plan.hpp"

namespace headgate::l7 {

struct CompiledRoute {
  std::shared_ptr<const contract::Route> object;
  std::string full_name;               // "namespace/name"
  std::vector<HostPattern> hostnames;  // each once; kAny where the route names none
  std::vector<RoutePlanPtr> plans;     // one a rule
  std::vector<CompiledMatch> matches;

  std::string_view key() const { return object->uid; }
};
using CompiledRoutePtr = std::shared_ptr<const CompiledRoute>;

// What plans are made from; the control thread's.
struct PlanMaker {
  Keeper<RoutePlan>& plans;
  Keeper<policy::PolicyList>& lists;
  std::function<PoolIdentityPtr(std::string_view pool_uid)> pool_identity;
  std::function<policy::StandingPolicyPtr(const std::string& uid)> policy;  // never null
  Expressions& expressions;

  std::vector<policy::StandingPolicyPtr> policies(const std::vector<std::string>& uids) const;
};

// `previous` (may be null) is the same route before: rules that stay keep their plan and whose turn it is.
CompiledRoutePtr compile_route(std::shared_ptr<const contract::Route> route, const CompiledRoute* previous,
                               const PlanMaker& maker);

}  // namespace headgate::l7
