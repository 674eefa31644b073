// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/object_write.hpp"

#include <fmt/format.h>

#include "mgmt/compile/parse.hpp"
#include "mgmt/handlers/object_json.hpp"

namespace headgate::handlers {
namespace {

// The names in the body say the same as the path, or nothing.
std::vector<http::ProblemError> check_names(const nlohmann::json& body, const db::ObjectKey& key) {
  std::vector<http::ProblemError> errors;
  if (!compile::is_valid_name(key.name))
    errors.push_back({"/name", "invalid_value", "A name is up to 63 of a-z, 0-9 and - (not first or last)."});
  if (body.contains("name") && body["name"] != key.name)
    errors.push_back({"/name", "mismatch", fmt::format("The path says {}.", key.name)});
  if (body.contains("namespace") && body["namespace"] != key.namespace_name)
    errors.push_back({"/namespace", "mismatch", fmt::format("The path says {}.", key.namespace_name)});
  return errors;
}

std::optional<uint64_t> revision_of(const std::optional<db::Object>& object) {
  return object ? std::optional(object->meta.revision) : std::nullopt;
}

Decided decide_create(const ObjectWrite& write, const std::optional<db::Object>& now) {
  if (now)
    return http::Problem{409,
                         fmt::format("{} exists; PUT replaces it.", write.key.to_string()),
                         {{"/name", "exists", "An object with this name exists."}},
                         {}};
  return compile::ProposedChange{write.key, stored_body(write.body), {.must_not_exist = true}};
}

Decided decide_patch(const ObjectWrite& write, const db::Object& now, const openapi::ApiDocument& document) {
  auto body = written_body(now);
  body.merge_patch(write.body);
  auto errors = document.check("put", write.path_template, body);
  for (auto& error : check_names(body, write.key)) errors.push_back(std::move(error));
  if (!errors.empty()) return faults(std::move(errors));
  return compile::ProposedChange{write.key, stored_body(std::move(body)), {.must_exist = true}};
}

}  // namespace

std::vector<http::ProblemError> faults_of(const ObjectWrite& write) {
  if (write.method == "POST" && !write.body.contains("name"))
    return {{"/name", "missing_field", "The field name is needed."}};
  if (write.method == "POST" || write.method == "PUT") return check_names(write.body, write.key);
  return {};
}

Decided decide(const ObjectWrite& write, const std::optional<db::Object>& now,
               const openapi::ApiDocument& document) {
  if (write.method == "POST") return decide_create(write, now);
  if (auto problem = check_conditions(write.conditions, revision_of(now))) return std::move(*problem);
  if (write.method == "PUT") return compile::ProposedChange{write.key, stored_body(write.body), {}};
  if (!now) return not_found(write.key);
  if (write.method == "PATCH") return decide_patch(write, *now, document);
  return compile::ProposedChange{write.key, std::nullopt, {.must_exist = true}};
}

db::ObjectKey key_of(db::Kind kind, const std::map<std::string, std::string>& parameters,
                     const nlohmann::json& body) {
  const auto parameter = [&](const char* name) {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  };
  auto name = parameter("name");
  if (!parameters.contains("name") && body.contains("name")) name = body["name"].get<std::string>();
  return {kind, parameter("namespace"), std::move(name)};
}

std::string path_of(const db::ObjectKey& key) {
  const auto collection = std::string(db::plural_of(key.kind)) + "/" + key.name;
  return key.namespace_name.empty() ? "/v1/" + collection
                                    : "/v1/namespaces/" + key.namespace_name + "/" + collection;
}

http::Problem not_found(const db::ObjectKey& key) {
  return {404, fmt::format("There is no {}.", key.to_string()), {}, {}};
}

http::Problem faults(std::vector<http::ProblemError> errors) {
  return {422,
          fmt::format("The body has {} fault(s); nothing was stored.", errors.size()),
          std::move(errors),
          {}};
}

}  // namespace headgate::handlers
