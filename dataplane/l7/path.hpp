// SPDX-License-Identifier: Apache-2.0
// The one form of a request's path that routing, policies, logs and the backend see: RFC 3986 section 6.2.2
// (upper-case escapes, no escaped unreserved character, no dot segments). What two parties are known to read
// differently is refused instead of repaired: %00, backslash, %5C, ';' beside a dot segment, and by the
// listener's setting %2F. Pure; the view that comes out points into `raw` or the arena. Idempotent, and the
// result holds no dot segment (fuzzed).
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/contract/objects.hpp"
#include "dataplane/core/arena.hpp"

namespace headgate::l7 {

using contract::EscapedSlash;

enum class PathFault : uint8_t {
  kNone,
  kNotAbsolute,    // does not start with "/"
  kBadCharacter,   // control, space, "#", "?", or not ASCII
  kBadEscape,      // "%" without two hex digits
  kEscapedNul,     // %00
  kBackslash,      // "\" or %5C
  kEscapedSlash,   // %2F where refused, or beside a dot segment
  kDotParameters,  // "/..;x/": some read it as "/../"
};

struct NormalPath {
  PathFault fault = PathFault::kNone;
  std::string_view path;  // where kNone

  bool ok() const { return fault == PathFault::kNone; }
};

// `raw`: the path alone, without the query.
[[nodiscard]] NormalPath normalise_path(std::string_view raw, EscapedSlash escaped_slash, Arena& arena);

}  // namespace headgate::l7
