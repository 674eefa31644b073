// SPDX-License-Identifier: Apache-2.0
// POST /v1/explain: what becomes of a request at a listener, and why. A replica that serves the listener's
// shard is asked, so the answer is what runs and not what was configured. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void post_explain(const ExchangePtr& exchange);

}  // namespace headgate::handlers
