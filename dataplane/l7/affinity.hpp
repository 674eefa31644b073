// SPDX-License-Identifier: Apache-2.0
// Affinity: a client that comes back with our cookie gets the endpoint that served it before. The cookie is
// opaque: a hash of the pool's uid and the endpoint's address, the same on every thread, replica and node, so
// nothing is stored anywhere. It is not signed: all it can ask for is an endpoint of the rule's own pools,
// which any client may be given anyhow. Pure; views point into the request or the arena.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/contract/upstream.hpp"
#include "dataplane/core/arena.hpp"
#include "dataplane/l7/http_message.hpp"
#include "dataplane/l7/route_plan.hpp"

namespace headgate::l7 {

class PoolTable;
struct PoolEndpoint;

uint64_t affinity_of(std::string_view pool_uid, std::string_view endpoint_text);

// What the request's cookie names; nothing where it has none of ours, or not in our form.
std::optional<uint64_t> read_affinity(const Headers& headers, const contract::CookieAffinity& rule);

// The forward of the plan whose pool has the endpoint of that name, draining ones included; kNoForward where
// none has it now.
ForwardChoice find_affine_forward(const RoutePlan& plan, const PoolTable& pools, uint64_t affinity);

// The value of a Set-Cookie field.
std::string_view write_affinity(const contract::CookieAffinity& rule, uint64_t affinity, Arena& arena);

}  // namespace headgate::l7
