// SPDX-License-Identifier: Apache-2.0
// What a connection to a backend of a pool with proxy_protocol begins with: a ProxyHeader in either version.
// A client whose address is of another family than what it reached is unknown to both (section 2.1: UNKNOWN,
// section 2.2: AF_UNSPEC). Version 2 ends with a checksum. A text that no parser would take is left out.
// Pure; views point into the arena.
#pragma once

#include <string_view>

#include "dataplane/contract/pool.hpp"
#include "dataplane/core/arena.hpp"
#include "dataplane/shard/proxy_header.hpp"

namespace headgate::shard {

std::string_view write_proxy_header(const ProxyHeader& header, contract::ProxyVersion version, Arena& arena);

}  // namespace headgate::shard
