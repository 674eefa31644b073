// SPDX-License-Identifier: Apache-2.0
// The only place that knows libnghttp2's callbacks and options: how its sessions are made, and how what it
// calls becomes calls of Session and MessageStream. HTTP semantics are checked by ourselves (request_reader,
// response_reader), strictly and counted, so the library's own looser checks are off.
#pragma once

#include "dataplane/shard/http2/session.hpp"

namespace headgate::shard::http2 {

Library make_server_library(Session& session, uint32_t header_bytes_max, const contract::Http2Limits& rules);
Library make_client_library(Session& session, uint32_t header_bytes_max, const contract::Http2Limits& rules);

// For nghttp2_data_provider: takes the piece of the stream's MessageStream.
ssize_t read_piece_callback(nghttp2_session* library, int32_t id, uint8_t* buffer, std::size_t length_bytes,
                            uint32_t* flags, nghttp2_data_source* source, void* session);

}  // namespace headgate::shard::http2
