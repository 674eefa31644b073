// SPDX-License-Identifier: Apache-2.0
// Field lines of a head or a trailer section, one at a time, in place. Pure; used by head_parser alone.
#pragma once

#include <span>

#include "dataplane/l7/http_message.hpp"
#include "dataplane/shard/http1/head_parser.hpp"

namespace headgate::shard::http1 {

// Takes lines off the front of `rest` until the empty line, which it takes too; each field goes to `fields`.
// `used_bytes`: what of header_bytes_max the first line has taken already.
[[nodiscard]] Fault parse_fields(std::span<char> rest, const HeadLimits& limits, std::size_t used_bytes,
                                 l7::Headers& fields);

// The line up to its CRLF, which is taken off `rest` as well. Only where HeadScanner saw the end of the head.
std::string_view take_line(std::span<char>& rest);

// What the framing and hop-by-hop fields of one message say; none of them stays in the model's headers.
struct Framing {
  bool has_length = false;
  bool chunked = false;
  uint64_t length = 0;
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;            // "upgrade" among the Connection options
  bool upgrade_websocket = false;  // "websocket" is the Upgrade field
  bool te_trailers = false;
};
// Reads them and removes them from `fields`, with all that Connection nominates, save what it may not
// nominate.
[[nodiscard]] Fault take_framing(l7::Headers& fields, Framing& framing);

}  // namespace headgate::shard::http1
