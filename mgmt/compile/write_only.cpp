// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/write_only.hpp"

#include "dataplane/core/assert.hpp"
#include "dataplane/tls/digest.hpp"
#include "dataplane/tls/public_key.hpp"
#include "mgmt/compile/fields.hpp"

namespace headgate::compile {
namespace {

contract::Secret secret_of(std::string bytes) {
  auto digest = tls::sha256_hex(bytes);
  return {.digest = std::move(digest), .bytes = std::move(bytes)};
}

// Moves the member out of the body; nothing where it is not there.
std::optional<std::string> take_member(Json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end()) return std::nullopt;
  auto text = found->get<std::string>();
  body.erase(found);
  return text;
}

void take(Certificate& certificate, const Entry* before, Json& body, Taken& taken, Faults& faults) {
  if (auto key = take_member(body, "private_key")) {
    taken.secret = secret_of(*std::move(key));
    certificate.key_digest = taken.secret->digest;
  } else if (before == nullptr) {
    faults.add("/private_key", "missing_field", "private_key is needed");
  } else {
    const auto& old = before->as<Certificate>();
    const auto same = tls::have_same_public_key(old.chain, certificate.chain);
    if (!same.ok() || !*same)
      faults.add("/private_key", "missing_field",
                 "the stored private key is not that of this certificate: private_key is needed");
    certificate.key_digest = old.key_digest;
  }
  body["key_digest"] = certificate.key_digest;
}

void take(Secret& secret, const Entry* before, const SaltOf& salt_of, Json& body, Taken& taken,
          Faults& faults) {
  body.erase("digest");
  secret.digest.clear();
  if (is_public(secret.type)) return;
  const auto* old = before == nullptr ? nullptr : &before->as<Secret>();
  if (auto data = take_member(body, "data")) {
    const auto salt = salt_of(*data);
    taken.secret = secret_of(Json{{"data", *std::move(data)}, {"salt", salt}}.dump());
    secret.digest = taken.secret->digest;
  } else if (old == nullptr || old->type != secret.type) {
    faults.add("/data", "missing_field", "data is needed");
  } else {
    secret.digest = old->digest;
  }
  body["digest"] = secret.digest;
}

}  // namespace

Taken take_secret(const db::ObjectKey& key, const std::string& body, Resource& resource, const Entry* before,
                  const SaltOf& salt_of) {
  Taken taken;
  Faults faults(key, taken.problems);
  auto json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  HG_ASSERT(json.is_object());  // parse_resource() has read it
  if (auto* certificate = std::get_if<Certificate>(&resource))
    take(*certificate, before, json, taken, faults);
  else if (auto* secret = std::get_if<Secret>(&resource))
    take(*secret, before, salt_of, json, taken, faults);
  taken.body = json.dump();
  return taken;
}

std::optional<std::string> secret_named_by(const Resource& resource) {
  if (const auto* certificate = std::get_if<Certificate>(&resource)) return certificate->key_digest;
  const auto* secret = std::get_if<Secret>(&resource);
  if (secret == nullptr || secret->digest.empty()) return std::nullopt;
  return secret->digest;
}

}  // namespace headgate::compile
