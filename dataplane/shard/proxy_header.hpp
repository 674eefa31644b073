// SPDX-License-Identifier: Apache-2.0
// ProxyHeader: what stands before the first byte of a connection that a load balancer passes on: whom it
// comes from and what that one reached (the PROXY protocol, versions 1 and 2, haproxy.org/download/2.6/doc/
// proxy-protocol.txt). Whether a peer speaks it is configured and never guessed. The form is strict: what is
// not exactly it is malformed, as soon as that can be seen. Pure, over bytes that nobody has vouched for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/core/ip_address.hpp"

namespace headgate::shard {

struct ProxyHeader {
  // It speaks for itself (a health check), or can't name the client: the socket's own addresses hold.
  bool local = true;
  Endpoint source;       // the client; port 0 where it is not known
  Endpoint destination;  // what the client reached
  std::size_t size_bytes = 0;
};

struct [[nodiscard]] ParsedProxyHeader {
  enum class Status : uint8_t { kPartial, kWhole, kMalformed };
  Status status = Status::kPartial;
  ProxyHeader header{};  // where kWhole
};

// `bytes`: all that has come so far. Never kPartial from limits::kProxyHeaderBytesMax on.
ParsedProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace headgate::shard
