// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/ascii.hpp"
#include "dataplane/l7/expression.hpp"
#include "mgmt/compile/field_rules.hpp"
#include "mgmt/compile/parse_rule.hpp"
#include "mgmt/compile/path_rules.hpp"

namespace headgate::compile {
namespace {

// Compiled as the data plane will, within the same bounds.
void check_expression(Fields& match, const std::string& text) {
  if (const auto compiled = l7::Expression::compile(text); !compiled.ok())
    match.fault("value", "invalid_value", compiled.error().message);
}

void read_path(Fields& match, contract::PathMatch& into) {
  match.object("path", [&](Fields& path) {
    path.read_enum("type", into.type);
    path.require("value");
    path.read("value", into.value);
    if (into.type == contract::PathMatchType::kRegex)
      check_expression(path, into.value);
    else if (const auto fault = fault_of_path(into.value); !fault.empty())
      path.fault("value", "invalid_value", std::string(fault));
    else if (const auto never = fault_of_normal_form(into.value); !never.empty())
      path.pointless("value", "invalid_value", std::string(never));
    else if (const auto deep = fault_of_prefix(into.value);
             into.type == contract::PathMatchType::kPrefix && !deep.empty())
      path.pointless("value", "invalid_value", std::string(deep));
  });
}

void read_header(Fields& header, contract::HeaderMatch& into) {
  header.require("name");
  header.require("value");
  header.read("name", into.name);
  header.read("value", into.value);
  header.read_enum("type", into.type);
  if (header.has("name") && !is_token(into.name))
    header.fault("name", "invalid_value", "must be a header's name");
  into.name = ascii::lowered(into.name);
  if (const auto fault = fault_of_routed_name(into.name); !fault.empty())
    header.pointless("name", "not_allowed", std::string(fault));
  if (into.type == contract::ValueMatchType::kRegex)
    check_expression(header, into.value);
  else if (!is_field_value(into.value))
    header.fault("value", "invalid_value", "holds what no header value can hold");
}

void read_parameter(Fields& parameter, contract::QueryMatch& into) {
  parameter.require("name");
  parameter.require("value");
  parameter.read("name", into.name);
  parameter.read("value", into.value);
  parameter.read_enum("type", into.type);
  if (parameter.has("name") && into.name.empty())
    parameter.fault("name", "invalid_value", "must be a query parameter's name");
  if (into.type == contract::ValueMatchType::kRegex) check_expression(parameter, into.value);
}

}  // namespace

contract::RouteMatch read_match(Fields& match) {
  contract::RouteMatch into;
  read_path(match, into.path);
  match.read("method", into.method);
  if (!into.method.empty() && !is_token(into.method))
    match.fault("method", "invalid_value", "must be an HTTP method, such as GET; empty for any");
  match.each_object("headers", [&](Fields& header) { read_header(header, into.headers.emplace_back()); });
  match.each_object("query",
                    [&](Fields& parameter) { read_parameter(parameter, into.query.emplace_back()); });
  return into;
}

}  // namespace headgate::compile
