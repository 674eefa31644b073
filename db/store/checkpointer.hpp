// SPDX-License-Identifier: Apache-2.0
// Checkpointer: moves what was committed from the write-ahead log into the database's file, on a connection
// of its own and beside the writer: else every sixtieth write or so waits for a few hundred pages and two
// more syncs of the disk. What a writer was told is on the disk is there before: in the log. Threads:
// committed() the writer's; the moving its own. A failure leaves the log as it is: the next commit tries
// again.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <thread>

#include "db/sqlite/database.hpp"

namespace headgate::db {

// The log's pages from which on it is moved, and from which on the writer waits for that, so that the log of
// one who writes without a pause has a bound.
inline constexpr std::size_t kLogPagesBeforeCheckpoint = 1'000;
inline constexpr std::size_t kLogPagesMax = 16'000;

class Checkpointer {
 public:
  // `writer` outlives it and calls committed() from now on.
  explicit Checkpointer(sqlite::Database& writer);
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;
  ~Checkpointer();

 private:
  void committed(std::size_t log_pages);
  void move_log(sqlite::Database& database);
  void run();

  sqlite::Database& writer_;
  std::size_t asked_at_pages_ = 0;  // the writer's
  std::mutex moving_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool wanted_ = false;  // under mutex_, as stopping_
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace headgate::db
