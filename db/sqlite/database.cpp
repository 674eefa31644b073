// SPDX-License-Identifier: Apache-2.0
#include "db/sqlite/database.hpp"

#include <sqlite3.h>

#include "dataplane/core/assert.hpp"

namespace headgate::db::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 5'000;
constexpr std::size_t kIdleStatementsMax = 128;
constexpr int kAutoCheckpointPages = 1'000;  // SQLite's own default

ErrorCode code_of(int extended) {
  switch (extended & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return ErrorCode::kExhausted;
    case SQLITE_CONSTRAINT:
      return ErrorCode::kConflict;
    case SQLITE_IOERR:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return ErrorCode::kUnavailable;
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return ErrorCode::kPermission;
    default:
      return ErrorCode::kInternal;
  }
}

std::string_view advice(int extended) {
  switch (extended & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return " (the file is damaged or no database: restore it from a backup)";
    case SQLITE_FULL:
      return " (free some space: nothing of this was stored)";
    case SQLITE_READONLY:
      return " (the file, its directory or the file system is read-only)";
    default:
      return "";
  }
}

}  // namespace

int64_t Row::integer(int column) const { return sqlite3_column_int64(statement_, column); }
bool Row::is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::string Row::text(int column) const {
  const bool is_blob = sqlite3_column_type(statement_, column) == SQLITE_BLOB;
  const auto* bytes =
      static_cast<const char*>(is_blob ? sqlite3_column_blob(statement_, column)
                                       : static_cast<const void*>(sqlite3_column_text(statement_, column)));
  return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))) : "";
}

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
void Database::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Database::Database(const std::string& path, Mode mode) : path_(path) {
  // NOMUTEX: a connection belongs to one thread at a time.
  const int access =
      mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* connection = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &connection, access | SQLITE_OPEN_NOMUTEX, nullptr);
  connection_.reset(connection);
  if (status != SQLITE_OK) fail("opening it");
  sqlite3_extended_result_codes(connection, 1);
  sqlite3_busy_timeout(connection, kBusyTimeoutMs);
  execute_script("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF;");
}

void Database::fail(std::string_view what) const {
  if (!connection_) throw Failure(ErrorCode::kExhausted, path_ + ": no memory for a connection");
  const int extended = sqlite3_extended_errcode(connection_.get());
  throw Failure(code_of(extended), "database " + path_ + ", " + std::string(what) + ": " +
                                       sqlite3_errmsg(connection_.get()) + std::string(advice(extended)));
}

void Database::execute_script(const std::string& sql) {
  if (sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail("running a script");
}

Database::StatementPtr Database::take(std::string_view sql) {
  if (const auto idle = statements_.find(sql); idle != statements_.end()) {
    auto statement = std::move(idle->second);
    statements_.erase(idle);
    return statement;
  }
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    fail(sql);
  return StatementPtr(statement);
}

void Database::bind(sqlite3_stmt* statement, const std::vector<Value>& values) {
  HG_ASSERT(static_cast<std::size_t>(sqlite3_bind_parameter_count(statement)) == values.size());
  int status = SQLITE_OK;
  for (int i = 0; i < static_cast<int>(values.size()) && status == SQLITE_OK; ++i) {
    const auto& value = values[static_cast<std::size_t>(i)];
    if (const auto* integer = std::get_if<int64_t>(&value))
      status = sqlite3_bind_int64(statement, i + 1, *integer);
    else if (const auto* text = std::get_if<std::string_view>(&value))
      status = sqlite3_bind_text64(statement, i + 1, text->data() ? text->data() : "", text->size(),
                                   SQLITE_STATIC, SQLITE_UTF8);
    else if (const auto* blob = std::get_if<Blob>(&value))
      status = sqlite3_bind_blob64(statement, i + 1, blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
    else
      status = sqlite3_bind_null(statement, i + 1);
  }
  if (status != SQLITE_OK) fail("binding a value");
}

void Database::each(std::string_view sql, const std::vector<Value>& values, const OnRow& on_row) {
  auto statement = take(sql);
  bind(statement.get(), values);
  int status = sqlite3_step(statement.get());
  for (; status == SQLITE_ROW; status = sqlite3_step(statement.get())) on_row(Row(statement.get()));
  if (status != SQLITE_DONE) fail(sql);
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  if (statements_.size() >= kIdleStatementsMax) statements_.clear();
  statements_.insert_or_assign(std::string(sql), std::move(statement));
}

std::optional<int64_t> Database::integer(std::string_view sql, const std::vector<Value>& values) {
  std::optional<int64_t> found;
  each(sql, values, [&](Row row) {
    if (!found && !row.is_null(0)) found = row.integer(0);
  });
  return found;
}

std::optional<std::string> Database::text(std::string_view sql, const std::vector<Value>& values) {
  std::optional<std::string> found;
  each(sql, values, [&](Row row) {
    if (!found && !row.is_null(0)) found = row.text(0);
  });
  return found;
}

void Database::on_commit(OnCommit on_commit) {
  if (!on_commit) {
    sqlite3_wal_autocheckpoint(connection_.get(), kAutoCheckpointPages);
    on_commit_.reset();
    return;
  }
  on_commit_ = std::make_unique<OnCommit>(std::move(on_commit));
  const auto hook = [](void* context, sqlite3*, const char*, int log_pages) {
    (*static_cast<OnCommit*>(context))(static_cast<std::size_t>(log_pages));
    return SQLITE_OK;
  };
  sqlite3_wal_hook(connection_.get(), hook, on_commit_.get());
}

int64_t Database::rows_changed() const { return sqlite3_changes64(connection_.get()); }

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
  // IMMEDIATE takes the write lock at once, so that no statement in between can find the database busy.
  database_.run(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.run("ROLLBACK");
  } catch (const Failure&) {
    // A full disk or an I/O error has rolled back already: there is nothing left to end.
  }
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace headgate::db::sqlite
