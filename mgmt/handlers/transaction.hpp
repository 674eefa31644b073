// SPDX-License-Identifier: Apache-2.0
// POST /v1/transactions: several writes of objects, all or nothing, as one revision. Each is checked as its
// own request would be; references among them are looked at in the end, so their order does not matter. Any
// thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void post_transaction(const ExchangePtr& exchange);

}  // namespace headgate::handlers
