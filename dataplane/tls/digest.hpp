// SPDX-License-Identifier: Apache-2.0
// Digests, and the end of what was secret. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::tls {

// For protocols that ask for it by name (RFC 6455); it proves nothing against somebody who means harm.
std::array<uint8_t, 20> sha1(std::string_view bytes);
std::string sha256_hex(std::string_view bytes);  // 64 digits, lower case
void wipe(std::string& secret);                  // its bytes, then its length; no compiler leaves it out

}  // namespace headgate::tls
