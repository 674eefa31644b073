// SPDX-License-Identifier: Apache-2.0
// Reads what pools and rules say of the upstream side (contract/upstream.hpp), with its faults. For
// parse_pool.cpp and parse_route.cpp. Pure; any thread.
#pragma once

#include <optional>
#include <string_view>

#include "mgmt/compile/fields.hpp"

namespace headgate::compile {

std::optional<contract::StatusRange> parse_status_range(std::string_view text);  // "200-299" or "204"

void read_balancing(Fields& fields, Pool& pool);
void read_pool_tls(Fields& fields, const std::string& namespace_name, Pool& pool);
void read_pool_limits(Fields& fields, Pool& pool);
contract::Retry read_retry(Fields& fields);
contract::CookieAffinity read_affinity(Fields& fields);

}  // namespace headgate::compile
