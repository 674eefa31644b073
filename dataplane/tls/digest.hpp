// SPDX-License-Identifier: Apache-2.0
// Digests. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace headgate::tls {

std::string sha256_hex(std::string_view bytes);  // 64 digits, lower case

}  // namespace headgate::tls
