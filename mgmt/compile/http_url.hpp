// SPDX-License-Identifier: Apache-2.0
// The URL of a service that Headgate itself calls: "http://host:port/path" or "https://…", of printable
// ASCII, without user information (a password does not belong into a body that anybody may read) or fragment.
// Pure; any thread.
#pragma once

#include <string_view>

namespace headgate::compile {

[[nodiscard]] bool is_http_url(std::string_view text);

}  // namespace headgate::compile
