// SPDX-License-Identifier: Apache-2.0
// A shard's access log: where it goes, what its lines have. Private to parse_places.cpp. Pure; any thread.
#pragma once

#include "mgmt/compile/fields.hpp"

namespace headgate::compile {

void read_access_log(Fields& fields, contract::ShardSettings& settings);

}  // namespace headgate::compile
