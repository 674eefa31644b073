// SPDX-License-Identifier: Apache-2.0
// Whether a client's address may come in: deny wins, and an allow list that names somebody denies all others.
// Pure; any thread.
#pragma once

#include "dataplane/contract/filters.hpp"

namespace headgate::l7::policy {

bool may_enter(const contract::IpAccess& access, const IpAddress& client);

}  // namespace headgate::l7::policy
