// SPDX-License-Identifier: Apache-2.0
// The operations on nodes, shards, listeners, routes and all the other kinds: the same for every one. Any
// thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void list_objects(const ExchangePtr& exchange);
void get_object(const ExchangePtr& exchange);
void write_object(const ExchangePtr& exchange);  // POST, PUT, PATCH, DELETE: object_write.hpp

}  // namespace headgate::handlers
