// SPDX-License-Identifier: Apache-2.0
// /v1/tokens: who may use the API. A secret is in the answer that made it, and nowhere else. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void list_tokens(const ExchangePtr& exchange);
void create_token(const ExchangePtr& exchange);
void get_token(const ExchangePtr& exchange);
void put_token(const ExchangePtr& exchange);
void delete_token(const ExchangePtr& exchange);

}  // namespace headgate::handlers
