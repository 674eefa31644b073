// SPDX-License-Identifier: Apache-2.0
// What a path must look like in a match and in a health check: a sentence that says what is wrong, empty
// where nothing is. Pure; any thread.
#pragma once

#include <string_view>

namespace headgate::compile {

std::string_view fault_of_path(std::string_view path);  // as a match compares it, without a query
std::string_view fault_of_normal_form(
    std::string_view path);                               // of one without a fault: no request's is like it
std::string_view fault_of_prefix(std::string_view path);  // likewise, as a prefix of elements
std::string_view fault_of_request_target(std::string_view path);  // as it is sent, a query allowed

}  // namespace headgate::compile
