// SPDX-License-Identifier: Apache-2.0
// What a client asks before it uses the API: whether headgated lives, whether it is ready, what it can be
// asked. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void get_openapi(const ExchangePtr& exchange);
void get_healthz(const ExchangePtr& exchange);
void get_readyz(const ExchangePtr& exchange);

}  // namespace headgate::handlers
