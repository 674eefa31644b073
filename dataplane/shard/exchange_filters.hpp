// SPDX-License-Identifier: Apache-2.0
// ExchangeFilters: which policies one exchange has met, and what they have changed that is asked for later.
// Lives in its Exchange; the policies live as long as the exchange's plan, the views as its request. Thread:
// one.
#pragma once

#include <string_view>

#include "dataplane/l7/policy/policy.hpp"

namespace headgate::shard {

struct ExchangeFilters {
  const l7::policy::Policy* rule = nullptr;
  const l7::policy::Policy* forward = nullptr;
  bool met = false;  // one of them: what stands below is set
  // As the client asked, for the log: a rewrite has the backend asked for something else.
  std::string_view host;
  std::string_view path;
  std::string_view origin;  // empty: the request had none
};

}  // namespace headgate::shard
