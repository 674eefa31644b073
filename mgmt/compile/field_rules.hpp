// SPDX-License-Identifier: Apache-2.0
// What a header's name and value may look like (RFC 9110 section 5), and which names a request still has when
// it is routed. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace headgate::compile {

bool is_token(std::string_view text);
bool is_field_value(std::string_view text);

// Why nothing can go by a request's field of that name, in lower case, and by what else; empty: it can. The
// codec has taken it off by then (l7/http_message.hpp), or no client is believed it (l7/forwarded.hpp).
std::string_view fault_of_routed_name(std::string_view name);

}  // namespace headgate::compile
