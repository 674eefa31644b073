// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/pipe.hpp"

#include <array>

#include <fcntl.h>
#include <unistd.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::shard {

std::unique_ptr<Pipe> Pipe::make() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) return nullptr;
  UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  // Past what /proc/sys/fs/pipe-user-pages-soft gives a user, pipes are of two pages: copying is cheaper.
  if (::fcntl(write_end.get(), F_SETPIPE_SZ, static_cast<int>(limits::kPipeBytes)) < 0) return nullptr;
  return std::unique_ptr<Pipe>(new Pipe(std::move(read_end), std::move(write_end)));
}

IoResult Pipe::fill(Stream& from, std::size_t bytes_max) {
  HG_ASSERT(empty());
  const IoResult filled = from.read_into_pipe(write_end_.get(), bytes_max);
  held_bytes_ = filled.bytes;
  return filled;
}

IoResult Pipe::drain(Stream& to) {
  IoResult total;
  while (!empty()) {
    const IoResult drained = to.write_from_pipe(read_end_.get(), held_bytes_);
    total.status = drained.status;
    if (drained.status != IoStatus::kOk) return total;
    total.bytes += drained.bytes;
    held_bytes_ -= drained.bytes;
  }
  return total;
}

PipePool::Lease PipePool::take() {
  if (taken_ == limits::kPipesMax) return {nullptr, {this}};
  std::unique_ptr<Pipe> pipe;
  if (idle_.empty()) {
    pipe = Pipe::make();
  } else {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  }
  if (pipe) ++taken_;
  return {pipe.release(), {this}};
}

void PipePool::give_back(Pipe* pipe) {
  std::unique_ptr<Pipe> returned(pipe);
  --taken_;
  if (returned->empty() && idle_.size() < limits::kIdlePipesMax) idle_.push_back(std::move(returned));
}

}  // namespace headgate::shard
