// SPDX-License-Identifier: Apache-2.0
// Cookies of a request (RFC 6265 section 5.4): found by name, nothing decoded, nothing stored. Bytes of the
// client's: whatever they are, the answer is a view into them or nothing. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

// The value of the first cookie of that name (case counts) in all Cookie fields, without white space around.
std::optional<std::string_view> find_cookie(const Headers& headers, std::string_view name);

}  // namespace headgate::l7
