// SPDX-License-Identifier: Apache-2.0
// Who the client is, and what the backend is told of it: X-Forwarded-For, -Proto, -Host, -Port, X-Request-Id
// and, where the listener says so, Client-Cert (RFC 9440). They are built anew from the socket and the
// request; what the request says of itself counts only where the peer is one of the listener's
// trusted_proxies, and only if it is well formed. Then the client is the rightmost address of X-Forwarded-For
// that is no trusted proxy; what stands left of it was written by the client and is dropped. Pure: random
// bits are handed in; views point into the request or the arena.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/core/arena.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

// That the client showed on its connection, and that was verified.
struct ClientCertificate {
  std::string_view name;    // whom it names; any bytes
  std::string_view sha256;  // in hex; empty: there is none
  std::string_view field;   // the value of Client-Cert; empty: backends are not told
};

// The connection that a request came on.
struct ClientSide {
  IpAddress peer;              // the socket's other end; an IPv4-mapped IPv6 address as IPv4
  std::string_view peer_text;  // the same, written once a connection
  std::string_view scheme;     // "http" or "https"
  uint16_t listener_port = 0;
  const std::vector<Prefix>& trusted_proxies;
  ClientCertificate certificate = {};
  bool forwards_certificate = false;  // its listener, whether or not there is one
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
  ClientCertificate certificate = {};
  bool client_cert_believed = false;  // what the request says in Client-Cert is a trusted proxy's word
};
[[nodiscard]] ForwardedFacts resolve_forwarded(const RequestHead& request, const ClientSide& client_side,
                                               const std::array<uint64_t, 2>& random, Arena& arena);

// Puts them in the place of whatever the request said, with Forwarded and X-Real-IP, of itself; from a peer
// that is not trusted no field named X-Forwarded-… passes. Client-Cert passes where it is believed and stands
// once, and with it Client-Cert-Chain.
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
