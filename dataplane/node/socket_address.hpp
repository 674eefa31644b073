// SPDX-License-Identifier: Apache-2.0
// SocketAddress: an Endpoint as bind(2) and connect(2) want it. A plain value; any thread.
#pragma once

#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "dataplane/core/ip_address.hpp"

namespace headgate::node {

class SocketAddress {
 public:
  static SocketAddress of(const Endpoint& endpoint) {
    SocketAddress address;
    const auto& bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
      address.v4_.sin_family = AF_INET;
      address.v4_.sin_port = htons(endpoint.port);
      std::memcpy(&address.v4_.sin_addr, bytes.data(), sizeof address.v4_.sin_addr);
    } else {
      address.v6_.sin6_family = AF_INET6;
      address.v6_.sin6_port = htons(endpoint.port);
      std::memcpy(&address.v6_.sin6_addr, bytes.data(), sizeof address.v6_.sin6_addr);
    }
    address.is_v4_ = endpoint.address.is_v4();
    return address;
  }

  int family() const { return is_v4_ ? AF_INET : AF_INET6; }
  const sockaddr* get() const {
    return is_v4_ ? reinterpret_cast<const sockaddr*>(&v4_) : reinterpret_cast<const sockaddr*>(&v6_);
  }
  socklen_t size_bytes() const { return is_v4_ ? sizeof v4_ : sizeof v6_; }

 private:
  SocketAddress() = default;
  bool is_v4_ = true;
  sockaddr_in v4_{};
  sockaddr_in6 v6_{};
};

}  // namespace headgate::node
