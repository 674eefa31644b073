// SPDX-License-Identifier: Apache-2.0
#include "db/migrations/migrations.hpp"

#include <array>
#include <string>

#include "db/migrations/scripts.hpp"

namespace headgate::db {
namespace {

constexpr int64_t kApplicationId = 0x48476462;  // "HGdb", where `file` and a wrong path show it

constexpr std::array kMigrations{
    Migration{.number = 1, .readable_from = 1, .sql = scripts::k0001_objects},
    Migration{.number = 2, .readable_from = 2, .sql = scripts::k0002_access},
    Migration{.number = 3, .readable_from = 2, .sql = scripts::k0003_secrets},
};

[[noreturn]] void refuse(const std::string& message) { throw sqlite::Failure(ErrorCode::kInvalid, message); }

void claim_file(sqlite::Database& database) {
  const auto id = database.integer("PRAGMA application_id").value_or(0);
  if (id == kApplicationId) return;
  const auto tables = database.integer("SELECT count(*) FROM sqlite_schema").value_or(0);
  if (id != 0 || tables != 0) refuse("the file is an SQLite database of another program: name another file");
  sqlite::Transaction transaction(database, sqlite::Transaction::Kind::kWrite);
  database.execute_script(
      "PRAGMA application_id=" + std::to_string(kApplicationId) +
      ";"
      "CREATE TABLE migrations (number INTEGER PRIMARY KEY, readable_from INTEGER NOT NULL,"
      " applied_at_ms INTEGER NOT NULL) STRICT");
  transaction.commit();
}

}  // namespace

std::span<const Migration> all_migrations() { return kMigrations; }

void migrate(sqlite::Database& database, std::span<const Migration> migrations, int64_t now_ms) {
  claim_file(database);
  const int64_t known = migrations.back().number;
  const auto present = database.integer("SELECT max(number) FROM migrations").value_or(0);
  const auto needed = database.integer("SELECT max(readable_from) FROM migrations").value_or(0);
  if (needed > known)
    refuse("the database has schema " + std::to_string(present) + ", this headgated knows schemas up to " +
           std::to_string(known) +
           ": start the newer headgated, or restore a backup from before the upgrade");
  for (const auto& migration : migrations) {
    if (migration.number <= present) continue;
    sqlite::Transaction transaction(database, sqlite::Transaction::Kind::kWrite);
    database.execute_script(std::string(migration.sql));
    database.run("INSERT INTO migrations VALUES (?, ?, ?)",
                 {migration.number, migration.readable_from, now_ms});
    transaction.commit();
  }
}

}  // namespace headgate::db
