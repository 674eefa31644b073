// SPDX-License-Identifier: Apache-2.0
// The key of a request that Maglev hashes to an endpoint: the same for the same client, user or resource, on
// every thread, replica and node. Nothing where the request does not carry it. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/contract/upstream.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

// `client` as trust has resolved it (forwarded.hpp). A query's parameter counts as it stands, undecoded.
std::optional<uint64_t> hash_key_of(const contract::HashKey& key, const RequestHead& request,
                                    const IpAddress& client);

}  // namespace headgate::l7
