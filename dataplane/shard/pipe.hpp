// SPDX-License-Identifier: Apache-2.0
// Pipe: a kernel pipe that carries a piece of a body from one plain socket to another, so that its bytes are
// never copied into this process and out of it (splice(2)). PipePool: the pipes of a thread, of which there
// are no more than kPipesMax at once. Whether a body may go this way is the exchange's to say: nothing but
// data is ever in a pipe. Thread: one; the pool outlives its leases. The process ignores SIGPIPE, for splice
// knows no MSG_NOSIGNAL.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "dataplane/core/unique_fd.hpp"
#include "dataplane/shard/stream.hpp"

namespace headgate::shard {

class Pipe {
 public:
  static std::unique_ptr<Pipe> make();  // null: there are no more fds, or no pages for pipes of this user

  std::size_t held_bytes() const { return held_bytes_; }
  bool empty() const { return held_bytes_ == 0; }

  // Only while empty(): what the stream has, at most `bytes_max`.
  IoResult fill(Stream& from, std::size_t bytes_max);
  // As much as the stream takes; kWouldBlock: the rest stays.
  IoResult drain(Stream& to);

 private:
  Pipe(UniqueFd read_end, UniqueFd write_end)
      : read_end_(std::move(read_end)), write_end_(std::move(write_end)) {}

  UniqueFd read_end_;
  UniqueFd write_end_;
  std::size_t held_bytes_ = 0;
};

class PipePool {
 public:
  struct GiveBack {
    PipePool* pool = nullptr;
    void operator()(Pipe* pipe) const { pool->give_back(pipe); }
  };
  using Lease = std::unique_ptr<Pipe, GiveBack>;

  Lease take();  // null: there is none

 private:
  void give_back(Pipe* pipe);  // what it still holds is lost

  std::size_t taken_ = 0;
  std::vector<std::unique_ptr<Pipe>> idle_;
};

}  // namespace headgate::shard
