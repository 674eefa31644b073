// SPDX-License-Identifier: Apache-2.0
// Who the client is, and what the backend is told of it: X-Forwarded-For, -Proto, -Host, -Port and
// X-Request-Id. They are built anew from the socket and the request; what the request says of itself counts
// only where the peer is one of the listener's trusted_proxies, and only if it is well formed. Then the
// client is the rightmost address of X-Forwarded-For that is no trusted proxy; what stands left of it was
// written by the client and is dropped. Pure: random bits are handed in; views point into the request or the
// arena.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/core/arena.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

// The connection that a request came on.
struct ClientSide {
  IpAddress peer;              // the socket's other end; an IPv4-mapped IPv6 address as IPv4
  std::string_view peer_text;  // the same, written once a connection
  std::string_view scheme;     // "http" or "https"
  uint16_t listener_port = 0;
  const std::vector<Prefix>& trusted_proxies;
};

// What is told upstream, and what logs and policies call the client.
struct ForwardedFacts {
  IpAddress client;
  std::string_view client_text;
  std::string_view forwarded_for;
  std::string_view scheme;
  std::string_view host;
  std::string_view port;
  std::string_view request_id;
  bool peer_trusted = false;
};
[[nodiscard]] ForwardedFacts resolve_forwarded(const RequestHead& request, const ClientSide& client_side,
                                               const std::array<uint64_t, 2>& random, Arena& arena);

// Puts them in the place of whatever the request said, with Forwarded and X-Real-IP, of itself; from a peer
// that is not trusted no field named X-Forwarded-… passes.
void set_forwarded(Headers& headers, const ForwardedFacts& facts);
// As one Forwarded (RFC 7239 section 4): an element for each address, the client's with the host and the
// scheme that it used. After set_forwarded().
void add_forwarded(Headers& headers, const ForwardedFacts& facts, Arena& arena);
// The same as set_forwarded() for the fields behind a request's body, which some backends merge with its
// headers. Of the names that the proxy knows the codecs leave none there.
void guard_trailers(Headers& trailers, const ForwardedFacts& facts);

// What a request id is made of, whoever made it: 1 to 128 characters that end no field and no word.
bool is_request_id(std::string_view text);

// ::ffff:192.0.2.1 as 192.0.2.1, so that prefixes of IPv4 hold for it.
IpAddress without_mapping(const IpAddress& address);
// And the other way round; one of IPv6 as it is.
IpAddress with_mapping(const IpAddress& address);

}  // namespace headgate::l7
