// SPDX-License-Identifier: Apache-2.0
#include "db/store/sealed_secret.hpp"

#include "db/store/state.hpp"

namespace headgate::db {

// One that is there already is sealed anew: that is how an operator who lost the key puts a secret back.
void keep(sqlite::Database& database, const SealedSecret& secret) {
  database.run(
      "INSERT INTO secrets VALUES (?, ?) ON CONFLICT (digest) DO UPDATE SET sealed = excluded.sealed",
      {secret.digest, sqlite::Blob(secret.sealed)});
}

Result<std::optional<std::string>> Reader::sealed_secret(const std::string& digest) {
  return guarded(
      [&] { return state_->database->text("SELECT sealed FROM secrets WHERE digest = ?", {digest}); });
}

Result<bool> Reader::has_secrets() {
  return guarded(
      [&] { return state_->database->integer("SELECT EXISTS (SELECT 1 FROM secrets)").value_or(0) != 0; });
}

Result<std::optional<std::string>> Reader::cluster_secret(const std::string& name) {
  return guarded(
      [&] { return state_->database->text("SELECT digest FROM cluster_secrets WHERE name = ?", {name}); });
}

Result<void> Store::put_cluster_secret(const std::string& name, const SealedSecret& secret) {
  const std::lock_guard lock(state_->mutex);
  return guarded([&] {
    sqlite::Transaction transaction(state_->writer, sqlite::Transaction::Kind::kWrite);
    keep(state_->writer, secret);
    state_->writer.run(
        "INSERT INTO cluster_secrets VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET digest = excluded.digest",
        {name, secret.digest});
    transaction.commit();
  });
}

}  // namespace headgate::db
