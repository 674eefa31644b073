// SPDX-License-Identifier: Apache-2.0
// What was changed, when and by whom: /v1/revisions and /v1/audit. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void list_revisions(const ExchangePtr& exchange);
void get_revision(const ExchangePtr& exchange);
void list_audit(const ExchangePtr& exchange);

}  // namespace headgate::handlers
