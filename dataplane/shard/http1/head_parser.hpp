// SPDX-License-Identifier: Apache-2.0
// Parses a whole head (HeadScanner found its end) into the model, by RFC 9112 and stricter: what two parties
// are known to read differently is refused, never repaired. Field names are put into lower case where they
// stand, so the head must be writable; the views point into it or the arena. Pure otherwise.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/http_message.hpp"
#include "dataplane/shard/http1/syntax.hpp"

namespace headgate::shard::http1 {

struct HeadLimits {
  uint32_t header_bytes_max = 32u << 10;  // decoded: first line, and name + value + 32 a field
  uint32_t header_count_max = 100;
  uint32_t target_bytes_max = 8u << 10;

  // More raw bytes than this hold no head within the limits, whatever padding is in it.
  std::size_t raw_bytes_max() const { return header_bytes_max + 4u * header_count_max + 64; }
};

// `head` ends with the empty line. On a Fault the model is unspecified.
[[nodiscard]] Fault parse_request(std::span<char> head, const HeadLimits& limits, Arena& arena,
                                  l7::RequestHead& request);

// `method` is the request's: it decides whether a body follows (RFC 9112 section 6.3).
[[nodiscard]] Fault parse_response(std::span<char> head, const HeadLimits& limits, l7::Method method,
                                   l7::ResponseHead& response);

// Trailer fields, ending with the empty line. A section that breaks a rule makes the message malformed; of a
// good one those that the proxy acts on (framing, routing, trust) are dropped.
[[nodiscard]] Fault parse_trailers(std::span<char> section, const HeadLimits& limits, l7::Headers& trailers);

}  // namespace headgate::shard::http1
