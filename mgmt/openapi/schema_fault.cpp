// SPDX-License-Identifier: Apache-2.0
#include "mgmt/openapi/schema_fault.hpp"

#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace headgate::openapi {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 4> kWrappers{
    "Failed to validate against schema associated", "Failed to validate item #",
    "Failed to validate against additional properties", "Failed to validate against child schema"};

// The name in "… MARKER'name'."; it may have quotes of its own.
std::string_view quoted(std::string_view description, std::string_view marker) {
  const auto begin = description.find(marker) + marker.size() + 1;
  return description.substr(begin, description.size() - begin - 2);
}

std::string token_of(const std::string& step) { return step.substr(1, step.size() - 2); }

// The schema for what is inside `schema` under a key or index; null where it says nothing.
const Json* schema_inside(const Json& document, const Json& schema, const std::string& token) {
  if (schema.contains("properties") && schema["properties"].contains(token))
    return &resolve(document, schema["properties"][token]);
  if (schema.contains("items")) return &resolve(document, schema["items"]);
  const auto additional = schema.find("additionalProperties");
  if (additional != schema.end() && additional->is_object()) return &resolve(document, *additional);
  return nullptr;
}

std::string names_of(const Json& values) {
  std::string names;
  for (const auto& value : values) names += (names.empty() ? "" : ", ") + value.dump();
  return names;
}

// A sentence of what the schema wants here.
std::string expectation(const Json& schema) {
  if (schema.contains("enum")) return "Expected one of " + names_of(schema["enum"]) + ".";
  const auto type = schema.value("type", "");
  std::string text = "Expected " +
                     std::string(type == "integer" || type == "object" || type == "array" ? "an " : "a ") +
                     type;
  if (type == "integer" && schema.contains("minimum") && schema.contains("maximum"))
    text += fmt::format(" from {} to {}", schema["minimum"].dump(), schema["maximum"].dump());
  if (schema.contains("pattern")) text += " like " + schema["pattern"].get<std::string>();
  if (schema.contains("maxLength"))
    text += fmt::format(", at most {} bytes long", schema["maxLength"].dump());
  text += ".";
  if (schema.contains("description")) text += " " + schema["description"].get<std::string>();
  return text;
}

}  // namespace

const Json& resolve(const Json& document, const Json& schema) {
  const auto found = schema.find("$ref");
  if (found == schema.end()) return schema;
  return resolve(document, document.at(Json::json_pointer(found->get<std::string>().substr(1))));
}

std::optional<http::ProblemError> to_error(const SchemaFault& fault, const Json& document,
                                           const Json& schema) {
  const std::string_view description = fault.description;
  for (const auto wrapper : kWrappers)
    if (description.starts_with(wrapper)) return std::nullopt;

  http::ProblemError error;
  const Json* at = &resolve(document, schema);
  for (std::size_t i = 1; i < fault.context.size(); ++i) {
    const auto token = token_of(fault.context[i]);
    error.pointer += "/" + http::pointer_token(token);
    if (at != nullptr) at = schema_inside(document, *at, token);
  }
  if (description.starts_with("Object contains a property")) {
    const auto name = quoted(description, "constraints: ");
    error.pointer += "/" + http::pointer_token(name);
    error.code = "unknown_field";
    error.detail = fmt::format("There is no field {} here.", name);
  } else if (description.starts_with("Missing required property")) {
    const auto name = quoted(description, "property ");
    error.pointer += "/" + http::pointer_token(name);
    error.code = "missing_field";
    error.detail = fmt::format("The field {} is needed.", name);
  } else {
    error.code =
        description.find("'type' constraint") != std::string_view::npos ? "wrong_type" : "invalid_value";
    error.detail = at != nullptr ? expectation(*at) : fault.description;
    // Of arrays and objects, the number of their elements is what can be wrong besides.
    if (error.code == "invalid_value" && at != nullptr && at->value("type", "") != "string" &&
        !at->contains("minimum"))
      error.detail = fault.description;
  }
  return error;
}

}  // namespace headgate::openapi
