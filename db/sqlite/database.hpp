// SPDX-License-Identifier: Apache-2.0
// Database: one SQLite connection and its prepared statements. The only place that knows sqlite3. Throws
// Failure: a write is some thirty statements that all end alike when one fails, and db/store turns the
// exception into an Error at its own edge, so no caller of db ever sees it. Thread: one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataplane/core/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace headgate::db::sqlite {

class Failure : public std::runtime_error {
 public:
  Failure(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

// Bytes that are no text: a BLOB column's.
struct Blob {
  explicit Blob(std::string_view blob) : bytes(blob) {}
  std::string_view bytes;
};

// What is bound to a parameter. Text and bytes are borrowed until the statement has run.
using Value = std::variant<std::nullptr_t, int64_t, std::string_view, Blob>;
inline Value or_null(const std::optional<std::string>& text) {
  return text ? Value(std::string_view(*text)) : Value(nullptr);
}
inline Value number(uint64_t value) { return static_cast<int64_t>(value); }

// The row that a statement stands on, valid within the callback only.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t integer(int column) const;
  uint64_t number(int column) const { return static_cast<uint64_t>(integer(column)); }
  std::string text(int column) const;  // or a BLOB's bytes
  bool is_null(int column) const;

 private:
  sqlite3_stmt* statement_;
};

enum class Mode : uint8_t { kReadWrite, kReadOnly };

class Database {
 public:
  Database(const std::string& path, Mode mode);

  // Statements without parameters or rows, one after the other.
  void execute_script(const std::string& sql);
  void run(std::string_view sql, std::initializer_list<Value> values = {}) { run(sql, std::vector(values)); }
  void run(std::string_view sql, const std::vector<Value>& values) {
    each(sql, values, [](Row) {});
  }
  using OnRow = std::function<void(Row)>;
  void each(std::string_view sql, const std::vector<Value>& values, const OnRow& on_row);
  // The first column of the first row; nothing where there is no row or it is NULL.
  std::optional<int64_t> integer(std::string_view sql, const std::vector<Value>& values = {});
  std::optional<std::string> text(std::string_view sql, const std::vector<Value>& values = {});
  int64_t rows_changed() const;  // by the last statement
  const std::string& path() const { return path_; }

  // After each commit, with the pages that the write-ahead log has then; it may run statements. With one,
  // nobody else moves the log into the file. Empty: SQLite does so by itself again.
  using OnCommit = std::function<void(std::size_t log_pages)>;
  void on_commit(OnCommit on_commit);

 private:
  struct Close {
    void operator()(sqlite3* connection) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;
  StatementPtr take(std::string_view sql);
  void bind(sqlite3_stmt* statement, const std::vector<Value>& values);
  [[noreturn]] void fail(std::string_view what) const;

  std::string path_;
  std::unique_ptr<OnCommit> on_commit_;  // at one place, whoever moves the Database
  std::unique_ptr<sqlite3, Close> connection_;
  std::map<std::string, StatementPtr, std::less<>> statements_;  // idle ones, by their text
};

// BEGIN … COMMIT; rolled back unless commit() came through.
class Transaction {
 public:
  enum class Kind : uint8_t { kRead, kWrite };
  Transaction(Database& database, Kind kind);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace headgate::db::sqlite
