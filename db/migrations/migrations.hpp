// SPDX-License-Identifier: Apache-2.0
// The schema's history: numbered SQL scripts, applied in order when a database is opened, each in a
// transaction of its own. Scripts only add, so that the previous release can still read the result;
// `readable_from` says the oldest schema number whose programs may open the database afterwards. Thread: the
// one that opens.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "db/sqlite/database.hpp"

namespace headgate::db {

struct Migration {
  int64_t number = 0;         // 1, 2, 3, …
  int64_t readable_from = 0;  // a program that knows less than this must not open it
  std::string_view sql;
};

std::span<const Migration> all_migrations();

// Throws sqlite::Failure: kInvalid where the file is of a newer, incompatible release or not ours.
void migrate(sqlite::Database& database, std::span<const Migration> migrations, int64_t now_ms);

}  // namespace headgate::db
