// SPDX-License-Identifier: Apache-2.0
// Where a redirect sends the client: an absolute URL of what the filter gives and, beside it, of what the
// client asked for. The port by the Gateway API's rules: the filter's; else the scheme's own where the filter
// gives a scheme; else the one that the client reached. 80 of http and 443 of https are left out. Pure; the
// view points into the arena.
#pragma once

#include <optional>
#include <string_view>

#include "dataplane/contract/filters.hpp"
#include "dataplane/core/arena.hpp"
#include "dataplane/l7/forwarded.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7::policy {

// `matched`: see path_edit.hpp.
std::string_view redirect_location(const contract::Redirect& redirect, const RequestHead& request,
                                   const ForwardedFacts& facts, std::optional<std::string_view> matched,
                                   Arena& arena);

}  // namespace headgate::l7::policy
