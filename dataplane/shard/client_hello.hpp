// SPDX-License-Identifier: Apache-2.0
// ClientHello: what a client of TLS says first, read without answering it: the server that it asks for and
// what it would speak there (RFC 8446 section 4.1.2, RFC 6066 section 3, RFC 7301 section 3.1). The form is
// strict where it decides something: one name or none, once, a host's; what is left to whoever terminates TLS
// is passed over. Pure, over bytes that nobody has vouched for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/core/arena.hpp"

namespace headgate::shard {

struct ClientHello {
  std::string_view server_name;  // lower case; empty: it names none
  std::string_view alpn;         // as it was sent: names, each behind a byte with its length; empty: none
};

enum class HelloFault : uint8_t {
  kNone,
  kNotTls,     // its first bytes are no record of a handshake
  kTooLong,    // over limits::kClientHelloBytesMax
  kBadRecord,  // an empty one, an over-long one, or one that holds more than the hello
  kNotHello,   // a handshake, but it begins with another message
  kBadForm,    // lengths that do not fit into each other
  kBadName     // no hostname, several of them, or a name of another kind
};
inline constexpr std::size_t kHelloFaults = static_cast<std::size_t>(HelloFault::kBadName) + 1;
std::string_view name_of(HelloFault fault);  // "not_tls", as logs and counters spell it

struct [[nodiscard]] ParsedClientHello {
  enum class Status : uint8_t { kPartial, kWhole, kMalformed };
  Status status = Status::kPartial;
  HelloFault fault = HelloFault::kNone;  // where kMalformed
  ClientHello hello{};                   // where kWhole; views into the bytes
};

// `bytes`: all that has come so far, what follows the hello included; its records are joined in place. Never
// kPartial from limits::kClientHelloBytesMax on.
ParsedClientHello parse_client_hello(std::span<char> bytes);

// "h2,http/1.1", cut off after limits::kAlpnTextBytesMax.
std::string_view alpn_text(std::string_view alpn, Arena& arena);

}  // namespace headgate::shard
