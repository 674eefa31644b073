// SPDX-License-Identifier: Apache-2.0
// open_listening_socket: one TCP socket that a replica's thread accepts from. Thread: the node's loop.
#pragma once

#include <string>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

// Connections that wait to be accepted; cut to net.core.somaxconn by the kernel.
constexpr int kListenBacklog = 4096;

// SO_REUSEPORT: the sockets of all threads and replicas share the address and the kernel spreads connections
// over them. IP_FREEBIND: the address may come, go and come again while we listen. An address that another
// program holds is an error that names it.
Result<UniqueFd> open_listening_socket(const Endpoint& bound);

// Which process listens on a TCP port ("nginx (pid 812)"); empty where it cannot be seen.
std::string holder_of_port(const Endpoint& bound);

}  // namespace headgate::node
