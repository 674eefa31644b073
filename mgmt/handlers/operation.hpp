// SPDX-License-Identifier: Apache-2.0
// Operation: what the API can be asked, as one table: method, path, who may, and the handler. The table and
// the OpenAPI document name the same operations (a test holds it). Const; any thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/auth/principal.hpp"
#include "mgmt/handlers/exchange.hpp"

namespace headgate::handlers {

struct Operation {
  std::string_view method;         // "GET"
  std::string_view path_template;  // "/v1/nodes/{name}"
  auth::Access access;
  void (*handle)(const ExchangePtr&);
  std::optional<db::Kind> kind;  // of the objects that it is about
};

std::span<const Operation> operations();

struct Match {
  const Operation* operation = nullptr;  // null: the path is unknown, or not for this method
  std::map<std::string, std::string> parameters;
  std::string allowed;  // the methods of the path, "GET, PUT"; empty: the path is unknown
};
// HEAD is answered by GET's operation.
Match match(std::string_view method, const std::vector<std::string>& segments);

}  // namespace headgate::handlers
