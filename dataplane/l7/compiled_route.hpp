// SPDX-License-Identifier: Apache-2.0
// CompiledRoute: a contract::Route in the form that tables hold: hostnames and paths in their normal form,
// header names split from what a look-up needs, one RoutePlan a rule. What can't be normal (a path that
// normalise_path refuses, an expression that is none) matches nothing and harms nothing else. Thread: control
// builds and frees; const in between, any thread reads. It owns the matches that tables point at, and with
// them their plans; the object that it was made from is not kept, for there may be 100,000 of them.
#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/objects.hpp"
#include "dataplane/l7/compiled_match.hpp"
#include "dataplane/l7/host_pattern.hpp"
#include "dataplane/l7/interned.hpp"
#include "dataplane/l7/route_plan.hpp"

namespace headgate::l7 {

// Which listeners a route is attached to and which policies stand above it: for most routes the same as for
// many others.
struct RoutePlace {
  std::vector<std::string> listeners;  // by uid, sorted, each once
  std::vector<std::string> policies;   // by uid, outermost first

  friend auto operator<=>(const RoutePlace&, const RoutePlace&) = default;
};

struct CompiledRoute {
  std::string uid;
  std::shared_ptr<const RoutePlace> place;
  std::vector<HostPattern> hostnames;  // each once; kAny where the route names none
  std::vector<CompiledMatch> matches;  // those of one rule follow one another and share its plan

  std::string_view key() const { return uid; }
};
using CompiledRoutePtr = std::shared_ptr<const CompiledRoute>;

// What plans are made from; the control thread's.
struct PlanMaker {
  Keeper<RoutePlan>& plans;
  Keeper<policy::PolicyList>& lists;
  std::function<PoolIdentityPtr(std::string_view pool_uid)> pool_identity;
  std::function<policy::StandingPolicyPtr(const std::string& uid)> policy;  // never null
  Expressions& expressions;
  Interned<RoutePlace>& places;

  std::vector<policy::StandingPolicyPtr> policies(const std::vector<std::string>& uids) const;
};

// `previous` (may be null) is the same route before: rules that stay keep their plan and whose turn it is.
CompiledRoutePtr compile_route(const contract::Route& route, const CompiledRoute* previous,
                               const PlanMaker& maker);
// The same route, where nothing has changed but what the policies above it say.
CompiledRoutePtr with_policies(const CompiledRoute& route, const PlanMaker& maker);

}  // namespace headgate::l7
