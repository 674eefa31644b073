// SPDX-License-Identifier: Apache-2.0
// Policy: filters that stand above routes, on a shard, a listener, a namespace or some of its routes. Which
// policies stand above a listener and a route these say themselves (objects.hpp), outermost first. How they
// and a rule's own filters come together: dataplane/l7/policy/policy_list.hpp. Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "dataplane/contract/boxed.hpp"
#include "dataplane/contract/fields.hpp"
#include "dataplane/contract/filters.hpp"

namespace headgate::contract {

enum class PolicyMode : uint8_t {
  kDefault,   // "default": a block holds where nothing further in has the same
  kMandatory  // "mandatory": it holds whatever is further in
};

// The filters that a policy can have; what forwards, redirects or answers is a route's alone.
enum class PolicyBlock : uint8_t {
  kIpAccess,
  kRateLimit,
  kCors,
  kRequestHeaders,
  kResponseHeaders,
  kCompression
};

struct Policy {
  std::string uid;
  std::string name;  // "namespace/name", or "name" where it is global
  PolicyMode mode = PolicyMode::kDefault;
  Boxed<Filters> filters = {};

  static constexpr auto kFields =
      std::tuple{field("uid", &Policy::uid), field("name", &Policy::name), field("mode", &Policy::mode),
                 field("filters", &Policy::filters)};
  friend bool operator==(const Policy&, const Policy&) = default;
};

}  // namespace headgate::contract
