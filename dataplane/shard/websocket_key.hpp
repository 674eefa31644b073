// SPDX-License-Identifier: Apache-2.0
// The proof by which a WebSocket's server shows that it is one (RFC 6455 sections 4.1 and 4.2.2). Over HTTP/2
// a client sends no key (RFC 8441 section 5), so towards the backend we do, and check its answer. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/core/arena.hpp"

namespace headgate::shard {

// 16 bytes in base64; the two numbers are random.
std::string_view make_websocket_key(uint64_t first, uint64_t second, Arena& arena);
// What a server that has understood the request says in Sec-WebSocket-Accept.
std::string_view websocket_proof(std::string_view key, Arena& arena);

}  // namespace headgate::shard
