// SPDX-License-Identifier: Apache-2.0
// The authority of a request, from the Host field or an absolute target, in the one form that routing
// compares: lower case, no port, no final dot. Strict: letters, digits, "-", "_" and "." in labels of 1 to 63
// bytes (RFC 1035; "_" is in use), or an IPv4 address, or a bracketed IPv6 address; no user information, no
// escapes. Pure; the view that comes out points into `text` or the arena.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/core/arena.hpp"

namespace headgate::l7 {

struct Authority {
  std::string_view host;         // an IPv6 literal keeps its brackets
  std::optional<uint16_t> port;  // as said; routing ignores it
};

[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text, Arena& arena);

// Whether `text` is a host as Authority::host spells it: what a configured hostname must be.
bool is_normal_host(std::string_view text);

}  // namespace headgate::l7
