// SPDX-License-Identifier: Apache-2.0
#include "mgmt/openapi/api_document.hpp"

#include <algorithm>
#include <locale>
#include <map>

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "mgmt/openapi/openapi_text.hpp"
#include "mgmt/openapi/schema_fault.hpp"

namespace headgate::openapi {

using Json = nlohmann::json;
using Adapter = valijson::adapters::NlohmannJsonAdapter;

namespace {

constexpr std::string_view kSchemaPrefix = "#/components/schemas/";

// valijson names only the first unknown field of an object: to name the next, the first goes.
bool remove_unknown_field(Json& body, const http::ProblemError& error) {
  const Json::json_pointer pointer(error.pointer);
  const auto parent = pointer.parent_pointer();
  return body.contains(parent) && body[parent].is_object() && body[parent].erase(pointer.back()) == 1;
}

std::string operation_name(std::string_view method, std::string_view path_template) {
  return std::string(method).append(" ").append(path_template);
}

std::vector<std::string> query_parameters_of(const Json& document, const Json& operation) {
  std::vector<std::string> names;
  const auto parameters = operation.find("parameters");
  if (parameters == operation.end()) return names;
  for (const auto& parameter : *parameters) {
    const auto& resolved = resolve(document, parameter);
    if (resolved["in"] == "query") names.push_back(resolved["name"].get<std::string>());
  }
  return names;
}

// valijson's patterns are std::regex, which asks the locale's ctype<char>; libstdc++ fills the table of that
// one at each character's first question, without a lock (its bug 77704). So all of it is asked for while
// there is one thread.
void fill_table_of_narrow() {
  const char letter = 'a';
  char narrowed = '\0';
  std::use_facet<std::ctype<char>>(std::locale()).narrow(&letter, &letter + 1, '\0', &narrowed);
}

}  // namespace

struct ApiDocument::State {
  Json document;
  std::map<std::string, valijson::Schema, std::less<>> schemas;
  std::map<std::string, std::vector<std::string>> query_parameters;  // by operation_name()

  bool holds(valijson::Validator& validator, const std::string& name, const Json& body) const {
    return validator.validate(schemas.find(name)->second, Adapter(body), nullptr);
  }
  void collect(valijson::Validator& validator, const std::string& name, Json body, const std::string& prefix,
               std::vector<http::ProblemError>& errors) const;
};

ApiDocument::ApiDocument() {
  fill_table_of_narrow();
  auto state = std::make_unique<State>();
  state->document = Json::parse(text());
  for (const auto& [path, item] : state->document["paths"].items())
    for (const auto& [method, operation] : item.items())
      state->query_parameters[operation_name(method, path)] = query_parameters_of(state->document, operation);
  // Each schema stands in a document that has all of them: that is where its references lead.
  Json root{{"components", state->document["components"]}};
  for (const auto& [name, unused] : state->document["components"]["schemas"].items()) {
    root["$ref"] = std::string(kSchemaPrefix) + name;
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(Adapter(root), state->schemas[name]);
  }
  state_ = std::move(state);
}

ApiDocument::~ApiDocument() = default;

std::string_view ApiDocument::text() { return kOpenApiJson; }

std::vector<std::pair<std::string, std::string>> ApiDocument::operations() const {
  std::vector<std::pair<std::string, std::string>> operations;
  for (const auto& [path, item] : state_->document["paths"].items())
    for (const auto& [method, unused] : item.items()) operations.emplace_back(method, path);
  return operations;
}

namespace {

// The body that an operation takes: its one media type and schema.
const Json* content_of(const Json& document, std::string_view method, std::string_view path_template) {
  const auto& operation = document["paths"].at(std::string(path_template)).at(std::string(method));
  const auto body = operation.find("requestBody");
  return body == operation.end() ? nullptr : &(*body)["content"];
}

}  // namespace

std::string_view ApiDocument::body_type(std::string_view method, std::string_view path_template) const {
  const auto* content = content_of(state_->document, method, path_template);
  return content == nullptr ? std::string_view{} : std::string_view(content->items().begin().key());
}

const std::vector<std::string>& ApiDocument::query_parameters(std::string_view method,
                                                              std::string_view path_template) const {
  return state_->query_parameters.at(operation_name(method, path_template));
}

std::vector<http::ProblemError> ApiDocument::check(std::string_view method, std::string_view path_template,
                                                   const Json& body) const {
  const auto* content = content_of(state_->document, method, path_template);
  HG_ASSERT(content != nullptr);
  const auto& schema = content->begin()->at("schema");
  if (!schema.contains("$ref")) {  // PATCH: any object; what comes out of it is checked
    if (body.is_object()) return {};
    return {{"", "wrong_type", "Expected an object."}};
  }
  return check(std::string_view(schema["$ref"].get_ref<const std::string&>()).substr(kSchemaPrefix.size()),
               body);
}

// Of a body for which the schema does not hold; pointers are put below `prefix`.
void ApiDocument::State::collect(valijson::Validator& validator, const std::string& name, Json body,
                                 const std::string& prefix, std::vector<http::ProblemError>& errors) const {
  const Json schema{{"$ref", std::string(kSchemaPrefix) + name}};
  std::vector<http::ProblemError> found;
  for (bool again = true; again;) {
    again = false;
    valijson::ValidationResults results;
    validator.validate(schemas.find(name)->second, Adapter(body), &results);
    valijson::ValidationResults::Error fault;
    const auto round_begin = found.size();
    while (results.popError(fault) && found.size() < limits::kApiErrorsMax) {
      auto error = to_error({fault.context, fault.description}, document, schema);
      if (error && std::find(found.begin(), found.end(), *error) == found.end())
        found.push_back(std::move(*error));
    }
    for (auto i = round_begin; i < found.size() && found.size() < limits::kApiErrorsMax; ++i)
      if (found[i].code == "unknown_field") again |= remove_unknown_field(body, found[i]);
  }
  if (found.empty())
    found.push_back({"", "invalid_value", "This is not of the shape that /v1/openapi.json gives."});
  for (auto& error : found) {
    if (errors.size() >= limits::kApiErrorsMax) return;
    error.pointer.insert(0, prefix);
    errors.push_back(std::move(error));
  }
}

std::vector<http::ProblemError> ApiDocument::check(std::string_view schema_name, const Json& body) const {
  const std::string name(schema_name);
  // It keeps the patterns that it has compiled, which cost more than all else of a check.
  thread_local valijson::Validator validator;
  std::vector<http::ProblemError> errors;
  if (state_->holds(validator, name, body)) return errors;
  const bool is_config = name == "Config" && body.is_object();
  if (!is_config) {
    state_->collect(validator, name, body, "", errors);
    return errors;
  }
  // A whole configuration may have a million faults: so its lists are looked at one element after the other,
  // and no longer than errors are still reported.
  Json shell = body;
  for (auto& list : shell)
    if (list.is_array()) list = Json::array();
  if (!state_->holds(validator, name, shell)) state_->collect(validator, name, std::move(shell), "", errors);
  for (const auto& [field, of_list] : state_->document["components"]["schemas"][name]["properties"].items()) {
    const auto list = body.find(field);
    if (list == body.end() || !list->is_array()) continue;
    const auto of_element = of_list["items"]["$ref"].get<std::string>().substr(kSchemaPrefix.size());
    for (std::size_t i = 0; i < list->size() && errors.size() < limits::kApiErrorsMax; ++i) {
      if (!state_->holds(validator, of_element, (*list)[i]))
        state_->collect(validator, of_element, (*list)[i], "/" + field + "/" + std::to_string(i), errors);
    }
  }
  return errors;
}

}  // namespace headgate::openapi
