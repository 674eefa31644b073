// SPDX-License-Identifier: Apache-2.0
// ObjectWrite: one write of one configured object, alone or among those of a transaction: what it asks for,
// and what becomes of the object, given what is there. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "db/store/object.hpp"
#include "mgmt/compile/compiler.hpp"
#include "mgmt/handlers/write_answer.hpp"
#include "mgmt/http/problem.hpp"
#include "mgmt/openapi/api_document.hpp"

namespace headgate::handlers {

struct ObjectWrite {
  std::string method;         // "POST" (on the collection), "PUT", "PATCH" or "DELETE"
  std::string path_template;  // as operation.hpp has it
  db::ObjectKey key;
  nlohmann::json body;  // of the shape that the document asks for; null of a DELETE
  Conditions conditions;
};

using Decided = std::variant<compile::ProposedChange, http::Problem>;

// What can be said against it without a look at what is there; pointers are into the body.
std::vector<http::ProblemError> faults_of(const ObjectWrite& write);
Decided decide(const ObjectWrite& write, const std::optional<db::Object>& now,
               const openapi::ApiDocument& document);

// The object of a path's parameters; that of a POST has its name in the body, where it must be.
db::ObjectKey key_of(db::Kind kind, const std::map<std::string, std::string>& parameters,
                     const nlohmann::json& body);
std::string path_of(const db::ObjectKey& key);
http::Problem not_found(const db::ObjectKey& key);
http::Problem faults(std::vector<http::ProblemError> errors);

}  // namespace headgate::handlers
