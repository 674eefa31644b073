// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/object_json.hpp"

#include "dataplane/core/assert.hpp"
#include "mgmt/handlers/certificate_status.hpp"

namespace headgate::handlers {
namespace {

Json names_json(const db::ObjectKey& key) {
  Json json = Json::object();
  if (!key.namespace_name.empty()) json["namespace"] = key.namespace_name;
  json["name"] = key.name;
  return json;
}

Json condition(const char* type, bool holds, const char* reason, std::string message) {
  return {{"type", type}, {"status", holds}, {"reason", reason}, {"message", std::move(message)}};
}

Json applied_condition(db::Revision revision, const service::Acknowledgements& acknowledgements) {
  const auto missing = acknowledgements.missing(revision);
  if (missing.empty())
    return condition("applied", true, "acknowledged", "Every process concerned serves it.");
  std::string message;
  bool is_refused = false;
  for (const auto& one : missing) {
    message.append(message.empty() ? "" : "; ").append(one.reason);
    is_refused |= one.refused;
  }
  return condition("applied", false, is_refused ? "refused" : "waiting", std::move(message));
}

}  // namespace

Json config_json(const db::Object& object) {
  auto json = names_json(object.key);
  const auto body = written_body(object);
  for (const auto& [key, value] : body.items()) json[key] = value;
  return json;
}

nlohmann::json written_body(const db::Object& object) {
  HG_ASSERT(object.body);
  auto body = nlohmann::json::parse(*object.body);
  if (object.key.kind == db::Kind::kCertificate) body.erase("key_digest");
  if (object.key.kind == db::Kind::kSecret) body.erase("digest");
  return body;
}

Json object_json(const db::Object& object, const service::Acknowledgements& acknowledgements) {
  auto json = config_json(object);
  const auto& meta = object.meta;
  json["meta"] = {{"uid", meta.uid},
                  {"generation", meta.generation},
                  {"revision", meta.revision},
                  {"created_at", format_time(meta.created_at_ms)},
                  {"updated_at", format_time(meta.updated_at_ms)}};
  json["status"]["conditions"] =
      Json::array({condition("accepted", true, "valid", "It is stored."),
                   condition("resolved", true, "references_found", "Everything that it names exists."),
                   applied_condition(meta.revision, acknowledgements)});
  if (object.key.kind == db::Kind::kCertificate) add_certificate_status(object, json["status"]);
  if (object.key.kind == db::Kind::kSecret) add_secret_status(object, json["status"]);
  return json;
}

std::string stored_body(nlohmann::json body) {
  for (const char* key : {"name", "namespace", "meta", "status"}) body.erase(key);
  return body.dump();
}

Json missing_json(const std::vector<service::Missing>& missing) {
  Json json = Json::array();
  for (const auto& one : missing)
    json.push_back({{"node", one.node}, {"refused", one.refused}, {"reason", one.reason}});
  return json;
}

Json changes_json(const service::Written& written) {
  Json changes = Json::array();
  for (std::size_t i = 0; i < written.changed.size(); ++i) {
    const auto& object = written.changed[i];
    const auto& before = written.before[i];
    Json change{{"verb", !object.body ? "delete"
                         : before     ? "update"
                                      : "create"},
                {"kind", db::name_of(object.key.kind)}};
    change.update(names_json(object.key));
    if (before && object.body)
      change["diff"] =
          Json(nlohmann::json::diff(nlohmann::json::parse(*before), nlohmann::json::parse(*object.body)));
    changes.push_back(std::move(change));
  }
  return changes;
}

}  // namespace headgate::handlers
