// SPDX-License-Identifier: Apache-2.0
// The bytes of a request body → JSON, or the problem with them. Hostile bytes: depth, number of values and
// length of strings are bounded, and a key that comes twice is refused, because one of the two would be lost.
// Pure; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "dataplane/core/limits.hpp"
#include "mgmt/http/problem.hpp"

namespace headgate::openapi {

struct JsonBounds {
  std::size_t values_max = 0;
  std::size_t string_bytes_max = limits::kApiStringBytesMax;
};

std::optional<http::Problem> parse_json(std::string_view text, const JsonBounds& bounds,
                                        nlohmann::json& into);

}  // namespace headgate::openapi
