// SPDX-License-Identifier: Apache-2.0
// ExchangeFilters: the filters that one exchange passes, and what they have changed that is asked for later.
// Lives in its Exchange; the policies live as long as the exchange's plan and the list that is pinned here,
// the views as its request. Thread: one.
#pragma once

#include <string_view>

#include "dataplane/l7/policy/compression.hpp"
#include "dataplane/l7/policy/policy_chain.hpp"
#include "dataplane/l7/route_plan.hpp"

namespace headgate::shard {

struct ExchangeFilters {
  l7::policy::PolicyChain chain;
  l7::PolicyListPin of_listener;
  bool met = false;  // any of them: what stands below is set
  // As the client asked, for the log: a rewrite has the backend asked for something else.
  std::string_view host;
  std::string_view path;
  std::string_view origin;  // empty: the request had none
  l7::policy::AcceptedCodings accepted;
};

}  // namespace headgate::shard
