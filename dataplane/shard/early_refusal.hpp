// SPDX-License-Identifier: Apache-2.0
// What a client gets that is turned away before a byte of it is read: one packet where it can be understood,
// and a close. Where TLS would have to be spoken first there is only the close. Thread: the bench's.
#pragma once

#include "dataplane/core/ip_address.hpp"

namespace headgate::shard {

struct Workbench;

enum class EarlyRefusal : unsigned char {
  kTooManyConnections,  // or memory is short: 503
  kTooManyOfSource,     // 429 (RFC 6585 section 4)
};
// `reached`: the listener's address and port. Never blocks; the caller closes the socket.
void refuse_early(const Workbench& bench, int socket, const Endpoint& reached, EarlyRefusal why);

}  // namespace headgate::shard
