// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/vault.hpp"

#include <filesystem>

#include "dataplane/core/log.hpp"
#include "dataplane/tls/digest.hpp"
#include "mgmt/auth/secret.hpp"

namespace headgate::service {
namespace {

constexpr const char* kCredential = "headgate-secrets-key";
constexpr const char* kTicketSecret = "session_tickets";

std::string context_of(const std::string& digest) { return "headgate secret " + digest; }

Result<tls::SealedBox> open_box(db::Store& store, const std::string& key_file) {
  if (auto credential = tls::SealedBox::load_credential(kCredential)) return *std::move(credential);
  auto reader = store.reader();
  if (!reader.ok()) return std::move(reader).error();
  const auto has_secrets = reader->has_secrets();
  if (!has_secrets.ok()) return has_secrets.error();
  if (!*has_secrets) return tls::SealedBox::load_or_make(key_file);
  auto box = tls::SealedBox::load(key_file);
  if (!box.ok() && box.error().code == ErrorCode::kNotFound)
    return Error{ErrorCode::kNotFound,
                 "the database holds secrets, and their key is missing: bring it back from a backup, or give "
                 "them up and put every certificate and secret again after "
                 "the start: " +
                     box.error().message};
  return box;
}

}  // namespace

Result<Vault> Vault::open(db::Store& store, const std::string& key_file) {
  auto box = open_box(store, key_file);
  if (!box.ok()) return std::move(box).error();
  Vault vault(*std::move(box));
  if (auto ensured = vault.ensure_ticket_secret(store); !ensured.ok()) return std::move(ensured).error();
  return vault;
}

Result<void> Vault::ensure_ticket_secret(db::Store& store) {
  {
    auto reader = store.reader();
    if (!reader.ok()) return std::move(reader).error();
    const auto digest = reader->cluster_secret(kTicketSecret);
    if (!digest.ok()) return digest.error();
    if (*digest) {
      ticket_secret_ = **digest;
      const auto found = find(*reader, ticket_secret_);
      if (found.ok() && *found) return {};
      if (!found.ok() && found.error().code != ErrorCode::kInvalid) return found.error();
      log::warning(
          "the secrets in the database were sealed by another key: TLS sessions begin anew, and certificates "
          "and secrets must be put again");
    }
  }
  const auto bytes = auth::new_secret();
  const contract::Secret secret{.digest = tls::sha256_hex(bytes), .bytes = bytes};
  ticket_secret_ = secret.digest;
  return store.put_cluster_secret(kTicketSecret, seal(secret));
}

db::SealedSecret Vault::seal(const contract::Secret& secret) const {
  return {.digest = secret.digest, .sealed = box_.seal(secret.bytes, context_of(secret.digest))};
}

Result<std::optional<contract::Secret>> Vault::find(db::Reader& reader, const std::string& digest) const {
  const auto sealed = reader.sealed_secret(digest);
  if (!sealed.ok()) return sealed.error();
  if (!*sealed) return std::optional<contract::Secret>();
  auto bytes = box_.unseal(**sealed, context_of(digest));
  if (!bytes.ok()) return Error{bytes.error().code, "secret " + digest + ": " + bytes.error().message};
  return std::optional(contract::Secret{.digest = digest, .bytes = *std::move(bytes)});
}

}  // namespace headgate::service
