// SPDX-License-Identifier: Apache-2.0
// The moment between a ClientHello and all that follows from it: the name that it asks for chooses listener,
// policy and certificate, before version, ticket and cipher are looked at. For the sources of this folder.
#pragma once

#include "dataplane/tls/handles.hpp"

namespace headgate::tls {

int choose_certificate(SSL* ssl, int* alert, void*);  // SSL_client_hello_cb_fn

}  // namespace headgate::tls
