// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/policy/ip_access.hpp"

#include <algorithm>

namespace headgate::l7::policy {

bool may_enter(const contract::IpAccess& access, const IpAddress& client) {
  const auto names_client = [&](const Prefix& prefix) { return prefix.contains(client); };
  if (std::any_of(access.deny.begin(), access.deny.end(), names_client)) return false;
  return access.allow.empty() || std::any_of(access.allow.begin(), access.allow.end(), names_client);
}

}  // namespace headgate::l7::policy
