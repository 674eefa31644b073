// SPDX-License-Identifier: Apache-2.0
// What is behind Store and Reader: the writer's connection under its lock, and idle readers' connections.
// Private to db/store. A Reader borrows the pool, so it must not outlive its Store.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/core/unique_fd.hpp"
#include "db/sqlite/database.hpp"
#include "db/store/checkpointer.hpp"
#include "db/store/reader.hpp"
#include "db/store/store.hpp"

namespace headgate::db {

class ReaderPool {
 public:
  explicit ReaderPool(std::string path) : path_(std::move(path)) {}
  std::unique_ptr<sqlite::Database> take();
  void give_back(std::unique_ptr<sqlite::Database> database);

 private:
  std::string path_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<sqlite::Database>> idle_;  // guarded by mutex_
};

struct Store::State {
  State(const std::string& path, UniqueFd held_lock, StoreOptions options)
      : lock(std::move(held_lock)),
        now_ms(std::move(options.now_ms)),
        writer(path, sqlite::Mode::kReadWrite),
        readers(path),
        checkpointer(writer) {}

  UniqueFd lock;  // flock: one headgated a database; released after the connections below are closed
  std::function<int64_t()> now_ms;
  std::mutex mutex;         // one write at a time
  sqlite::Database writer;  // guarded by mutex
  ReaderPool readers;
  Checkpointer checkpointer;
};

struct Reader::State {
  explicit State(ReaderPool& owner) : pool(&owner), database(owner.take()) {
    transaction = std::make_unique<sqlite::Transaction>(*database, sqlite::Transaction::Kind::kRead);
    // A deferred transaction stands still from its first read on: so read now.
    revision = static_cast<Revision>(database->integer("SELECT max(revision) FROM revisions").value_or(0));
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    transaction.reset();
    pool->give_back(std::move(database));
  }

  ReaderPool* pool;
  std::unique_ptr<sqlite::Database> database;
  std::unique_ptr<sqlite::Transaction> transaction;
  Revision revision = 0;
};

// Runs a body that may throw sqlite::Failure and ends the exception here, at db's edge.
template <typename F>
auto guarded(F&& body) -> Result<decltype(body())> {
  try {
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      return {};
    } else {
      return body();
    }
  } catch (const sqlite::Failure& failure) {
    return Error{failure.code(), failure.what()};
  }
}

// One row of the log of who did what, in the transaction of the deed.
void record(sqlite::Database& database, const AuditEntry& entry);
// Stores it, in the caller's transaction.
void keep(sqlite::Database& database, const SealedSecret& secret);
// The meta and body of a row that selects kObjectColumns.
inline constexpr std::string_view kObjectColumns =
    "kind, namespace, name, uid, generation, revision, created_at_ms, updated_at_ms, body";
Object object_of(sqlite::Row row);

std::vector<ObjectKey> referrers_of(sqlite::Database& database, const ObjectKey& key, std::size_t limit);

// The number of each key, in their order; nothing, and `missing` set, where a space has none left. Runs in
// the caller's transaction.
std::vector<Allocation> acquire(sqlite::Database& database, const std::vector<AllocationKey>& keys,
                                std::vector<AllocationKey>& missing);
void release(sqlite::Database& database, const std::vector<AllocationKey>& keys, Revision revision);

}  // namespace headgate::db
