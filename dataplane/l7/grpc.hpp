// SPDX-License-Identifier: Apache-2.0
// What an error of our own is to a client that speaks gRPC: it asks for the status of its call and not for
// that of HTTP, and what it gets must be a message or an end. So it gets an end (gRPC's PROTOCOL-HTTP2,
// "Trailers-Only"), with the status that its library would have made of ours, and our reason, which that
// would have lost. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

// By its content-type; gRPC-Web is something else, and over HTTP/1.1 there is none.
[[nodiscard]] bool speaks_grpc(const RequestHead& request);

// "14": by gRPC's http-grpc-status-mapping.
[[nodiscard]] std::string_view grpc_status_of(uint16_t http_status);

// `message` may be any bytes.
[[nodiscard]] std::string_view grpc_message(std::string_view message, Arena& arena);

// The head of an answer of ours as it tells a gRPC client the same; nothing follows it. `message` is what
// would have followed: its line end goes, and of a long one the rest.
void tell_by_grpc(ResponseHead& head, std::string_view message, Arena& arena);

}  // namespace headgate::l7
