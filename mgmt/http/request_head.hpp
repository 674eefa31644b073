// SPDX-License-Identifier: Apache-2.0
// What the server asks of a request that Pistache has parsed. Private to mgmt/http. Pure.
#pragma once

#include <optional>

#include <pistache/http.h>

#include "mgmt/http/problem.hpp"
#include "mgmt/http/server.hpp"

namespace headgate::http {

// Why this request is refused before its body is read.
std::optional<Problem> problem_of_head(const Pistache::Http::Request& request, const ServerOptions& options);
bool expects_continue(const Pistache::Http::Request& request);
bool keeps_alive(const Pistache::Http::Request& request);
// Nothing where the target does not decode.
std::optional<Request> to_request(const Pistache::Http::Request& request);

}  // namespace headgate::http
