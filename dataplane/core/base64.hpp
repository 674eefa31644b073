// SPDX-License-Identifier: Apache-2.0
// Base64 with its padding, in one line (RFC 4648 section 4). Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace headgate {

constexpr std::size_t base64_length(std::size_t length_bytes) { return (length_bytes + 2) / 3 * 4; }

// Writes base64_length() characters; returns where they end.
char* write_base64(std::span<const uint8_t> bytes, char* out);
std::string to_base64(std::string_view bytes);

// Nothing where the text is not what to_base64 writes: no white space, no padding left out, and no bit set
// that no byte has (section 3.5), so that bytes have one spelling.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace headgate
