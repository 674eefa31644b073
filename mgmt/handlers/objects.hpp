// SPDX-License-Identifier: Apache-2.0
// The operations on nodes, shards, listeners, routes and all the other kinds: the same for every one. Any
// thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void list_objects(const ExchangePtr& exchange);
void create_object(const ExchangePtr& exchange);
void get_object(const ExchangePtr& exchange);
void put_object(const ExchangePtr& exchange);
void patch_object(const ExchangePtr& exchange);
void delete_object(const ExchangePtr& exchange);

}  // namespace headgate::handlers
