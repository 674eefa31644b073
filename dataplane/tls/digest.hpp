// SPDX-License-Identifier: Apache-2.0
// Digests, and the end of what was secret. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace headgate::tls {

std::string sha256_hex(std::string_view bytes);  // 64 digits, lower case
void wipe(std::string& secret);                  // its bytes, then its length; no compiler leaves it out

}  // namespace headgate::tls
