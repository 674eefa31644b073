// SPDX-License-Identifier: Apache-2.0
#include "db/store/store.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>

#include "dataplane/core/clock.hpp"
#include "db/migrations/migrations.hpp"
#include "db/store/state.hpp"

namespace headgate::db {
namespace {

constexpr std::size_t kIdleReadersMax = 16;

Result<UniqueFd> open_private(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return system_error(errno, "opening the database " + path);
  return file;
}

// A file of its own: closing any descriptor of the database itself would drop SQLite's POSIX locks on it.
Result<UniqueFd> lock_database(const std::string& path) {
  auto lock = open_private(path + ".lock");
  if (!lock.ok()) return lock;
  if (::flock(lock->get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return Error{ErrorCode::kConflict,
                 "another headgated has the database " + path + " open: stop it, or name another --database"};
  return system_error(errno, "locking the database " + path);
}

void prepare(sqlite::Database& database, const std::string& path, int64_t now_ms) {
  if (database.text("PRAGMA journal_mode=WAL") != "wal")
    throw sqlite::Failure(
        ErrorCode::kUnavailable,
        "database " + path + ": its file system can't hold a write-ahead log: put it on a local disk");
  // One large import must not leave a log of its size behind for good.
  database.execute_script("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216");
  if (const auto fault = database.text("PRAGMA quick_check(1)").value_or("ok"); fault != "ok")
    throw sqlite::Failure(ErrorCode::kInternal,
                          "database " + path + " is damaged (" + fault +
                              "): restore it from a backup, or save it with `sqlite3 FILE .recover`");
  migrate(database, all_migrations(), now_ms);
  if (const auto table = database.text("PRAGMA foreign_key_check"))
    throw sqlite::Failure(ErrorCode::kInternal, "database " + path + " is damaged (table " + *table +
                                                    " names what does not exist): restore it from a backup");
}

}  // namespace

std::unique_ptr<sqlite::Database> ReaderPool::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto database = std::move(idle_.back());
      idle_.pop_back();
      return database;
    }
  }
  return std::make_unique<sqlite::Database>(path_, sqlite::Mode::kReadOnly);
}

void ReaderPool::give_back(std::unique_ptr<sqlite::Database> database) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleReadersMax) idle_.push_back(std::move(database));
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Result<Store> Store::open(const std::string& path, StoreOptions options) {
  if (!options.now_ms) options.now_ms = unix_time_ms;
  auto lock = lock_database(path);
  if (!lock.ok()) return std::move(lock).error();
  // Before SQLite does, which would make it readable by everyone.
  if (auto file = open_private(path); !file.ok()) return std::move(file).error();
  return guarded([&] {
    auto state = std::make_unique<State>(path, *std::move(lock), std::move(options));
    prepare(state->writer, path, state->now_ms());
    return Store(std::move(state));
  });
}

Result<Reader> Store::reader() const {
  return guarded([&] { return Reader(std::make_unique<Reader::State>(state_->readers)); });
}

}  // namespace headgate::db
