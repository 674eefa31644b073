// SPDX-License-Identifier: Apache-2.0
// Policies for tests, each block with an effect that tells whose it is.
#pragma once

#include <string>

#include "dataplane/l7/policy/policy_list.hpp"

namespace headgate::l7::policy {

// Lets in 192.0.2.0/24; one request a minute; CORS for https://NAME.example; fields x-set: NAME and x-by:
// NAME.
inline contract::Filters filters_with(Blocks blocks, const std::string& name = "p") {
  contract::Filters filters;
  if (blocks.has(PolicyBlock::kIpAccess))
    filters.ip_access.emplace().allow = {*Prefix::parse("192.0.2.0/24")};
  if (blocks.has(PolicyBlock::kRateLimit)) filters.rate_limit.emplace().period = std::chrono::minutes(1);
  if (blocks.has(PolicyBlock::kCors)) filters.cors.emplace().origins = {"https://" + name + ".example"};
  const contract::HeaderEdit edit{.set = {{"x-set", name}}, .add = {{"x-by", name}}, .remove = {}};
  if (blocks.has(PolicyBlock::kRequestHeaders)) filters.request_headers = edit;
  if (blocks.has(PolicyBlock::kResponseHeaders)) filters.response_headers = edit;
  return filters;
}

inline StandingPolicyPtr standing_policy(std::string name, contract::PolicyMode mode,
                                         contract::Filters filters) {
  return stand({.uid = "uid of " + name,
                .name = std::move(name),
                .mode = mode,
                .filters = contract::Boxed<contract::Filters>(std::move(filters))},
               nullptr);
}

}  // namespace headgate::l7::policy
