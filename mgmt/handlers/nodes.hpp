// SPDX-License-Identifier: Apache-2.0
// What headgate-node says to headgated: enrolment, the long poll for its delta and commands, the secrets that
// these name, its report.
// Bodies by the contract's codec, because a node may be one release apart. Any thread.
#pragma once

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

void create_enrolment(const ExchangePtr& exchange);
void enroll(const ExchangePtr& exchange);
void get_delta(const ExchangePtr& exchange);
void take_report(const ExchangePtr& exchange);
void send_secrets(const ExchangePtr& exchange);

}  // namespace headgate::handlers
