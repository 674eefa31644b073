// SPDX-License-Identifier: Apache-2.0
// What all writes of the configuration share: their options in the query, their conditions in the headers,
// and how an outcome is answered. Pure; any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

// dry_run, wait and timeout of the query.
std::optional<http::Problem> read_write_options(const http::Request& request, service::WriteRequest& into);

// If-Match and If-None-Match against what is there now (nothing: not there); nullopt: they hold, or there are
// none.
std::optional<http::Problem> check_conditions(const http::Request& request,
                                              std::optional<uint64_t> revision_now);

// Where in the request's body an object stands: the prefix of its pointers; nothing where it does not stand
// in it.
using PlaceOf = std::function<std::optional<std::string>(const db::ObjectKey&)>;
http::Problem refusal_problem(const service::Refusal& refusal, const PlaceOf& place_of);

std::vector<std::pair<std::string, std::string>> revision_header(uint64_t revision);

}  // namespace headgate::handlers
