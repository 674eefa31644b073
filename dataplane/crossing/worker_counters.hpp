// SPDX-License-Identifier: Apache-2.0
// WorkerCounters<N>: N counters of one worker that another thread may read while they count. One writer, so a
// count is a plain load and store of a relaxed atomic: no locked instruction. Threads: add() and set() the
// worker; read() any.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace headgate::crossing {

template <std::size_t N>
class alignas(64) WorkerCounters {
 public:
  void add(std::size_t index, uint64_t count = 1) {
    auto& counter = counters_[index];
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  void set(std::size_t index, uint64_t value) {  // of a gauge, or of a count that is kept elsewhere
    counters_[index].store(value, std::memory_order_relaxed);
  }
  uint64_t read(std::size_t index) const { return counters_[index].load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<uint64_t>, N> counters_{};
};

}  // namespace headgate::crossing
