// SPDX-License-Identifier: Apache-2.0
// POST /v1/shards/{name}/restart: each node of the shard is told to replace its replicas, one after the
// other; /v1/status says how far each is. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void post_restart(const ExchangePtr& exchange);

}  // namespace headgate::handlers
