// SPDX-License-Identifier: Apache-2.0
#include "mgmt/handlers/certificate_status.hpp"

#include "dataplane/core/clock.hpp"
#include "dataplane/tls/certificate.hpp"

namespace headgate::handlers {
namespace {

Json condition(bool holds, const char* reason, const std::string& message) {
  return {{"type", "valid"}, {"status", holds}, {"reason", reason}, {"message", message}};
}

// Served all the same: clients judge it, and an operator may put it before it begins.
Json valid_condition(const tls::CertificateFacts& facts, int64_t now_ms) {
  if (now_ms < facts.not_before_ms)
    return condition(false, "not_yet_valid",
                     "It begins at " + format_time(facts.not_before_ms) + "; clients refuse it until then.");
  if (now_ms > facts.not_after_ms)
    return condition(false, "expired",
                     "It ended at " + format_time(facts.not_after_ms) + "; clients refuse it.");
  return condition(true, "in_force", "It ends at " + format_time(facts.not_after_ms) + ".");
}

Json facts_json(const tls::CertificateFacts& facts) {
  Json names = Json::array();
  for (const auto* list : {&facts.dns_names, &facts.ip_addresses, &facts.uris})
    for (const auto& name : *list) names.push_back(name);
  return {{"subject", facts.subject},
          {"names", std::move(names)},
          {"not_before", format_time(facts.not_before_ms)},
          {"not_after", format_time(facts.not_after_ms)},
          {"key_type", facts.key_type == tls::KeyType::kRsa ? "rsa" : "ecdsa"},
          {"fingerprint", facts.fingerprint}};
}

}  // namespace

void add_certificate_status(const db::Object& object, Json& status) {
  const auto body = nlohmann::json::parse(*object.body);
  const auto facts = tls::parse_chain(body.value("certificate", ""));
  status["key_digest"] = body.value("key_digest", "");
  if (!facts.ok()) return;  // stored by a release that took what this one does not
  status["conditions"].push_back(valid_condition(*facts, unix_time_ms()));
  status["certificate"] = facts_json(*facts);
}

void add_secret_status(const db::Object& object, Json& status) {
  const auto body = nlohmann::json::parse(*object.body);
  if (body.contains("digest")) status["digest"] = body["digest"];
  if (const auto type = body.value("type", ""); type != "client_ca" && type != "ca") return;
  const auto authorities = tls::parse_trust_bundle(body.value("data", ""));
  if (!authorities.ok()) return;
  status["authorities"] = Json::array();
  for (const auto& facts : *authorities) status["authorities"].push_back(facts_json(facts));
}

}  // namespace headgate::handlers
