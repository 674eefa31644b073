// SPDX-License-Identifier: Apache-2.0
// POST /v1/captures: a listener's packets as they come and go on a node, as a pcapng file, while its client
// waits. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void post_capture(const ExchangePtr& exchange);

}  // namespace headgate::handlers
