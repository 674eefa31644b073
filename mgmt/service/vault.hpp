// SPDX-License-Identifier: Apache-2.0
// Vault: the secrets of the database, opened for who may have them and sealed for storing. Const after it is
// made; any thread. Its key is in no database: who has a copy of the one has nothing of the other.
#pragma once

#include <optional>
#include <string>

#include "dataplane/contract/secret.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/tls/sealed_box.hpp"
#include "db/store/store.hpp"

namespace headgate::service {

class Vault {
 public:
  // The key: systemd's credential headgate-secrets-key if there is one, else the file, which is made where it
  // is missing. Not where secrets are stored already, because a new key opens none of them.
  static Result<Vault> open(db::Store& store, const std::string& key_file);

  db::SealedSecret seal(const contract::Secret& secret) const;
  // Nothing where there is none. kInvalid where it does not open: another key has sealed it.
  Result<std::optional<contract::Secret>> find(db::Reader& reader, const std::string& digest) const;
  // Digest of the installation's secret that TLS session ticket keys come from.
  const std::string& ticket_secret() const { return ticket_secret_; }
  std::string salt_of(const std::string& data) const { return box_.keyed_digest(data); }

 private:
  explicit Vault(tls::SealedBox box) : box_(std::move(box)) {}
  Result<void> ensure_ticket_secret(db::Store& store);

  tls::SealedBox box_;
  std::string ticket_secret_;
};

}  // namespace headgate::service
