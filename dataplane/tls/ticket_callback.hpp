// SPDX-License-Identifier: Apache-2.0
// Session tickets of an SSL_CTX: encrypted with TicketKeys, or none. For the sources of this folder.
#pragma once

#include "dataplane/tls/handles.hpp"
#include "dataplane/tls/ticket_keys.hpp"

namespace headgate::tls {

void use_ticket_keys(SSL_CTX* context, const TicketKeys& keys);  // `keys` outlives the context
void refuse_tickets(SSL_CTX* context);

}  // namespace headgate::tls
