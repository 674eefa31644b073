// SPDX-License-Identifier: Apache-2.0
// Certificates and secrets. What is write-only of them is looked at here and kept by nobody: no fault's text
// holds a byte of it.
#include "dataplane/tls/certificate.hpp"
#include "dataplane/tls/digest.hpp"
#include "mgmt/compile/fields.hpp"

namespace headgate::compile {
namespace {

bool is_jwks(const std::string& text) {
  const auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() && json.contains("keys") && json["keys"].is_array();
}

void check_data(Fields& fields, SecretType type, const std::string& data) {
  if (is_public(type)) {
    if (const auto bundle = tls::parse_trust_bundle(data); !bundle.ok())
      fields.fault("data", "invalid_value", bundle.error().message);
  } else if (data.empty()) {
    fields.fault("data", "out_of_range", "must not be empty");
  } else if (type == SecretType::kJwks && !is_jwks(data)) {
    fields.fault("data", "invalid_value", "must be a JSON Web Key Set (RFC 7517): an object with keys");
  }
}

}  // namespace

Certificate parse_certificate(Fields& fields) {
  Certificate certificate;
  fields.require("certificate");
  const auto* chain = fields.string("certificate");
  const auto* key = fields.string("private_key");
  fields.read("key_digest", certificate.key_digest);
  fields.read("labels", certificate.labels);
  if (!chain) return certificate;
  certificate.chain = *chain;
  if (const auto facts = tls::parse_chain(*chain); !facts.ok()) {
    fields.fault("certificate", "invalid_value", facts.error().message);
    return certificate;
  }
  if (!key) return certificate;
  if (const auto matches = tls::check_key_matches(*chain, *key); !matches.ok())
    fields.fault("private_key", "invalid_value", matches.error().message);
  certificate.key_digest = tls::sha256_hex(*key);
  return certificate;
}

Secret parse_secret(Fields& fields) {
  Secret secret;
  fields.require("type");
  fields.read_enum("type", secret.type);
  const auto* data = fields.string("data");
  fields.read("digest", secret.digest);
  fields.read("labels", secret.labels);
  if (is_public(secret.type)) fields.require("data");
  if (!data || !fields.has("type")) return secret;
  check_data(fields, secret.type, *data);
  if (is_public(secret.type)) secret.data = *data;
  return secret;
}

}  // namespace headgate::compile
