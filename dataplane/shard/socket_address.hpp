// SPDX-License-Identifier: Apache-2.0
// SocketAddress: an Endpoint as the kernel's socket calls take and give it. A plain value; any thread.
#pragma once

#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

#include "dataplane/core/ip_address.hpp"

namespace headgate::shard {

class SocketAddress {
 public:
  SocketAddress() = default;  // to be filled by accept or getsockname
  explicit SocketAddress(const Endpoint& endpoint) {
    if (endpoint.address.is_v4()) {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&storage_);
      v4->sin_family = AF_INET;
      v4->sin_port = htons(endpoint.port);
      v4->sin_addr.s_addr = htonl(endpoint.address.v4_host_order());
      size_ = sizeof *v4;
      return;
    }
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage_);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    std::memcpy(&v6->sin6_addr, endpoint.address.bytes().data(), sizeof v6->sin6_addr);
    size_ = sizeof *v6;
  }

  int family() const { return storage_.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  socklen_t* size_room() {
    size_ = sizeof storage_;
    return &size_;
  }

  Endpoint endpoint() const {
    if (storage_.ss_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage_);
      return {IpAddress::v4(ntohl(v4->sin_addr.s_addr)), ntohs(v4->sin_port)};
    }
    if (storage_.ss_family != AF_INET6) return {};
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage_);
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &v6->sin6_addr, bytes.size());
    return {IpAddress::v6(bytes), ntohs(v6->sin6_port)};
  }

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

}  // namespace headgate::shard
