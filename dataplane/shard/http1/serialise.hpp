// SPDX-License-Identifier: Apache-2.0
// The one serialiser: the model as bytes, never a byte of a message that was received. What it writes parses
// to exactly the model (fuzzed). Writes into room that the caller made: *_bytes_max() says how much. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dataplane/l7/http_message.hpp"

namespace headgate::shard::http1 {

// An upper bound, quick to find.
std::size_t request_bytes_max(const l7::RequestHead& request);
std::size_t response_bytes_max(const l7::ResponseHead& response);
std::size_t trailers_bytes_max(const l7::Headers& trailers);

// Each returns the end of what it wrote from `out` on.
char* write_request(const l7::RequestHead& request, char* out);

// How a response goes to this client. Not every framing fits every client: see client_framing().
struct ClientSide {
  l7::Version version = l7::Version::kHttp11;
  l7::BodyFraming framing = l7::BodyFraming::kNone;
  bool keep_alive = true;
  std::string_view date;  // IMF-fixdate, written where the response has none (RFC 9110 section 6.6.1)
};
char* write_response(const l7::ResponseHead& response, const ClientSide& client, char* out);

// kChunked towards HTTP/1.1 where the length is unknown, else kUntilClose (the caller then closes).
l7::BodyFraming client_framing(const l7::ResponseHead& response, l7::Version client_version);

inline constexpr std::size_t kChunkHeadBytesMax = 18;
char* write_chunk_head(uint64_t length_bytes, char* out);  // "1f\r\n"
// "0\r\n", the trailers, "\r\n".
char* write_last_chunk(const l7::Headers& trailers, char* out);

}  // namespace headgate::shard::http1
