// SPDX-License-Identifier: Apache-2.0
// /v1/ca: whom clients of the API's front believe, as the file that curl --cacert takes. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void get_authority(const ExchangePtr& exchange);

}  // namespace headgate::handlers
