// SPDX-License-Identifier: Apache-2.0
#include "mgmt/front/authority.hpp"

#include "dataplane/core/log.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::front {
namespace {

constexpr const char* kSecretName = "internal_authority";
constexpr std::string_view kKeyMark = "-----BEGIN PRIVATE KEY-----";

// The certificate, and behind it the key: one secret, so that there is never one without the other.
Result<tls::CertificateAuthority> from_text(std::string_view text) {
  const auto key_at = std::min(text.find(kKeyMark), text.size());
  return tls::CertificateAuthority::load(text.substr(0, key_at), text.substr(key_at));
}

// Nothing where there is none, or `anew` none that this key opens.
Result<std::optional<tls::CertificateAuthority>> find(db::Store& store, const service::Vault& vault,
                                                      bool anew) {
  std::optional<tls::CertificateAuthority> none;
  auto reader = store.reader();
  if (!reader.ok()) return std::move(reader).error();
  const auto digest = reader->cluster_secret(kSecretName);
  if (!digest.ok()) return digest.error();
  if (!*digest) return none;
  auto secret = vault.find(*reader, **digest);
  if (!secret.ok() && secret.error().code != ErrorCode::kInvalid) return std::move(secret).error();
  if (!secret.ok() || !*secret) {
    if (anew) return none;
    return Error{ErrorCode::kInvalid,
                 "another key has sealed the internal authority: start with that key, without --front, or, "
                 "where that key is lost, once with --front-new-authority"};
  }
  auto authority = from_text((*secret)->bytes);
  tls::wipe((*secret)->bytes);
  if (!authority.ok())
    return Error{authority.error().code,
                 "the internal authority in the database: " + authority.error().message};
  return std::optional(*std::move(authority));
}

}  // namespace

Result<tls::CertificateAuthority> ensure_authority(db::Store& store, const service::Vault& vault,
                                                   int64_t unix_ms, bool anew) {
  auto found = find(store, vault, anew);
  if (!found.ok()) return std::move(found).error();
  if (*found) return std::move(**found);
  auto made = tls::CertificateAuthority::make(unix_ms);
  if (!made.ok()) return made;
  contract::Secret secret;
  secret.bytes = made->certificate() + made->private_key();
  secret.digest = tls::sha256_hex(secret.bytes);
  const auto stored = store.put_cluster_secret(kSecretName, vault.seal(secret));
  tls::wipe(secret.bytes);
  if (!stored.ok()) return stored.error();
  log::info("made the internal certificate authority " + made->facts().fingerprint);
  return made;
}

}  // namespace headgate::front
