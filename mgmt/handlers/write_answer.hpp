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

// If-Match and If-None-Match; empty where they are not asked.
struct Conditions {
  std::string if_match;
  std::string if_none_match;
};
Conditions conditions_of(const http::Request& request);
// Against what is there now (nothing: not there); nullopt: they hold, or there are none.
std::optional<http::Problem> check_conditions(const Conditions& conditions,
                                              std::optional<uint64_t> revision_now);

// Where in the request's body an object stands: the prefix of its pointers; nothing where it does not stand
// in it.
using PlaceOf = std::function<std::optional<std::string>(const db::ObjectKey&)>;
http::Problem refusal_problem(const service::Refusal& refusal, const PlaceOf& place_of);
// Of a write of many objects: its revision and what it changed, or what was wrong with it.
void answer_changes(const Exchange& exchange, const PlaceOf& place_of, bool dry_run,
                    const service::WriteOutcome& outcome);

std::vector<std::pair<std::string, std::string>> revision_header(uint64_t revision);

}  // namespace headgate::handlers
