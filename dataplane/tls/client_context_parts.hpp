// SPDX-License-Identifier: Apache-2.0
// What a ClientContext is made of. For the sources of this folder.
#pragma once

#include "dataplane/tls/client_context.hpp"
#include "dataplane/tls/handles.hpp"

namespace headgate::tls {

struct ClientContext::Parts {
  std::vector<std::string> subject_alt_names;
  bool verifies_name = false;   // that the connection asks for
  std::string needed_protocol;  // by ALPN; empty: none must be agreed on
  SslContextPtr context;        // last, so first to go: it refers to the rest
};

}  // namespace headgate::tls
