// SPDX-License-Identifier: Apache-2.0
// ApiDocument: the OpenAPI 3.1 document that is part of the program. It is served, and every request body is
// checked by the schema that it gives for the operation, so that what is written there holds. Thread: const,
// any.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "mgmt/http/problem.hpp"

namespace headgate::openapi {

class ApiDocument {
 public:
  ApiDocument();
  ~ApiDocument();

  static std::string_view text();
  // ("get", "/v1/nodes/{name}"), … as the document has them.
  std::vector<std::pair<std::string, std::string>> operations() const;
  // The media type of the body that the operation takes; empty where it takes none.
  std::string_view body_type(std::string_view method, std::string_view path_template) const;
  const std::vector<std::string>& query_parameters(std::string_view method,
                                                   std::string_view path_template) const;
  // Everything that is wrong with the shape of a body, up to limits::kApiErrorsMax.
  std::vector<http::ProblemError> check(std::string_view method, std::string_view path_template,
                                        const nlohmann::json& body) const;
  // By a schema's name in components/schemas.
  std::vector<http::ProblemError> check(std::string_view schema, const nlohmann::json& body) const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace headgate::openapi
