// SPDX-License-Identifier: Apache-2.0
// Which process listens on a TCP port of this machine, from /proc: so that "address in use" can say what to
// do. Any thread.
#pragma once

#include <string>

#include "dataplane/core/ip_address.hpp"

namespace headgate::http {

// "headgated (pid 123)"; "another process" where it listens but is not ours to look into; empty where none
// does.
std::string holder_of_port(const Endpoint& endpoint);

}  // namespace headgate::http
