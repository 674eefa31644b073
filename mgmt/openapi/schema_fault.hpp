// SPDX-License-Identifier: Apache-2.0
// What a JSON Schema validator says of a body → errors for a person: a pointer, a stable code, what is
// expected there by the schema. Private to mgmt/openapi. Pure.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "mgmt/http/problem.hpp"

namespace headgate::openapi {

struct SchemaFault {
  std::vector<std::string> context;  // as valijson says it: "<root>", "[rules]", "[0]"
  std::string description;
};

// Nothing where the fault only says that something inside is wrong, which has a fault of its own.
std::optional<http::ProblemError> to_error(const SchemaFault& fault, const nlohmann::json& document,
                                           const nlohmann::json& schema);
// Follows $ref.
const nlohmann::json& resolve(const nlohmann::json& document, const nlohmann::json& schema);

}  // namespace headgate::openapi
