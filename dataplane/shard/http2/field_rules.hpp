// SPDX-License-Identifier: Apache-2.0
// What RFC 9113 sections 8.2 and 8.3 ask of a field before it may be translated: what breaks it makes the
// whole message malformed, which is a stream error and never repaired. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/l7/http_message.hpp"
#include "dataplane/shard/http1/syntax.hpp"

namespace headgate::shard::http2 {

using http1::Fault;

// As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2).
inline constexpr std::size_t kFieldOverheadBytes = 32;

// A regular field: a lower-case token without colon; a value without control characters and without white
// space at its ends (section 8.2.1); none that belongs to a connection, and `te` only as "trailers" (8.2.2).
[[nodiscard]] Fault check_field(std::string_view name, std::string_view value, l7::HeaderId id);
// Of a pseudo header, which is a value alone.
[[nodiscard]] Fault check_value(std::string_view value);

// Digits only, below 2^63; empty where it is anything else.
std::optional<uint64_t> parse_content_length(std::string_view text);

}  // namespace headgate::shard::http2
