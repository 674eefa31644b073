// SPDX-License-Identifier: Apache-2.0
// ProxyHeader: what stands before the first byte of a connection that a load balancer passes on: whom it
// comes from and what that one reached (the PROXY protocol, versions 1 and 2, haproxy.org/download/2.6/doc/
// proxy-protocol.txt). Whether a peer speaks it is configured and never guessed. The form is strict: what is
// not exactly it is malformed, as soon as that can be seen. Pure, over bytes that nobody has vouched for.
// Views point into the bytes. What is written by proxy_header_writer.hpp is what is parsed here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/core/ip_address.hpp"

namespace headgate::shard {

// How the client spoke TLS to whom it reached (PP2_TYPE_SSL). Empty texts: it is not said.
struct ProxyTls {
  bool certificate_here = false;     // shown on this connection
  bool certificate_session = false;  // shown at least once in its session
  bool verified = false;             // and believed
  std::string_view version;          // "TLSv1.3"
  std::string_view cipher;
  std::string_view common_name;  // of the certificate

  friend bool operator==(const ProxyTls&, const ProxyTls&) = default;
};

struct ProxyHeader {
  // It speaks for itself (a health check), or can't name the client: the socket's own addresses hold.
  bool local = true;
  Endpoint source;       // the client; port 0 where it is not known
  Endpoint destination;  // what the client reached
  std::size_t size_bytes = 0;
  // Version 2 alone may say these, and never of what is local.
  std::string_view alpn;
  std::string_view authority;   // the server name that the client asked for
  std::optional<ProxyTls> tls;  // nothing: it came without
  // Listener::uid, where a first tier passes TLS through to the second. Anybody else's word is of no use.
  std::string_view hop_listener;
};

// What a text of a TLV is made of: something, bounded, and no control character.
bool is_proxy_text(std::string_view text);
// RFC 3720 appendix B.4 of the bytes, with zeros in the place of those from `zero_begin` to `zero_end`.
uint32_t proxy_crc32c(std::string_view bytes, std::size_t zero_begin, std::size_t zero_end);

struct [[nodiscard]] ParsedProxyHeader {
  // kBadTlv: it would be whole, but for what stands behind the addresses.
  enum class Status : uint8_t { kPartial, kWhole, kMalformed, kBadTlv };
  Status status = Status::kPartial;
  ProxyHeader header{};  // where kWhole
};

// `bytes`: all that has come so far. Never kPartial from limits::kProxyHeaderBytesMax on.
ParsedProxyHeader parse_proxy_header(std::string_view bytes);

}  // namespace headgate::shard
