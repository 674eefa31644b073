// SPDX-License-Identifier: Apache-2.0
// What a header's name and value may look like (RFC 9110 section 5). Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace headgate::compile {

bool is_token(std::string_view text);
bool is_field_value(std::string_view text);

}  // namespace headgate::compile
