// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/secret_store.hpp"

#include "dataplane/core/limits.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::shard {

SecretStore::~SecretStore() {
  for (auto& [digest, held] : held_) tls::wipe(held.bytes);
}

Result<void> SecretStore::add(contract::Secret& secret) {
  if (tls::sha256_hex(secret.bytes) != secret.digest) {
    tls::wipe(secret.bytes);
    return Error{ErrorCode::kInvalid,
                 "a secret is not what its digest says; passed over: " + secret.digest.substr(0, 64)};
  }
  if (held_.size() >= limits::kSecretsMax && !held_.contains(secret.digest)) {
    tls::wipe(secret.bytes);
    return Error{ErrorCode::kExhausted, "more secrets than a process holds"};
  }
  auto [held, fresh] = held_.try_emplace(secret.digest);
  if (fresh) held->second.bytes.swap(secret.bytes);
  tls::wipe(secret.bytes);
  return {};
}

std::string_view SecretStore::find(std::string_view digest) const {
  const auto found = held_.find(digest);
  return found == held_.end() ? std::string_view() : std::string_view(found->second.bytes);
}

void SecretStore::forget_all_but(const std::set<std::string, std::less<>>& named) {
  for (auto entry = held_.begin(); entry != held_.end();) {
    auto& [digest, held] = *entry;
    const bool is_named = named.contains(digest);
    const bool over = held.was_named && !is_named;
    held.was_named = held.was_named || is_named;
    if (over) tls::wipe(held.bytes);
    entry = over ? held_.erase(entry) : std::next(entry);
  }
}

}  // namespace headgate::shard
