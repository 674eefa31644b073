// SPDX-License-Identifier: Apache-2.0
// /v1/config: all that is configured as one document; a PUT is one transaction. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void get_config(const ExchangePtr& exchange);
void put_config(const ExchangePtr& exchange);

}  // namespace headgate::handlers
