// SPDX-License-Identifier: Apache-2.0
#include "db/store/checkpointer.hpp"

#include <exception>
#include <optional>
#include <utility>

namespace headgate::db {
Checkpointer::Checkpointer(sqlite::Database& writer) : writer_(writer), thread_([this] { run(); }) {
  writer_.on_commit([this](std::size_t log_pages) { committed(log_pages); });
}

Checkpointer::~Checkpointer() {
  writer_.on_commit({});
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

// PASSIVE: as much as no reader needs any more. SQLite would turn the second mover away, and the log of a
// writer without pauses would grow for as long as the first is held up.
void Checkpointer::move_log(sqlite::Database& database) {
  try {
    const std::lock_guard lock(moving_);
    database.run("PRAGMA wal_checkpoint(PASSIVE)");
  } catch (const std::exception&) {
    // A full or failing disk, or no memory: what is committed is in the log, and writes say what is wrong.
  }
}

void Checkpointer::committed(std::size_t log_pages) {
  if (log_pages >= kLogPagesMax) return move_log(writer_);
  // The log begins anew only after it was moved whole. While writes come without a pause it is not, and each
  // would have it moved again.
  if (log_pages < asked_at_pages_) asked_at_pages_ = 0;
  if (log_pages < asked_at_pages_ + kLogPagesBeforeCheckpoint) return;
  asked_at_pages_ = log_pages;
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  wake_.notify_one();
}

void Checkpointer::run() {
  std::optional<sqlite::Database> database;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return wanted_ || stopping_; });
    if (stopping_) return;
    wanted_ = false;
    lock.unlock();
    try {
      if (!database) database.emplace(writer_.path(), sqlite::Mode::kReadWrite);
      move_log(*database);
    } catch (const std::exception&) {
      // No memory or file descriptor is left: a later commit tries again.
    }
    lock.lock();
  }
}

}  // namespace headgate::db
