// SPDX-License-Identifier: Apache-2.0
// How it goes: /v1/status and /v1/stats from the nodes' last reports. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void get_status(const ExchangePtr& exchange);
void get_stats(const ExchangePtr& exchange);

}  // namespace headgate::handlers
