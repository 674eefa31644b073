// SPDX-License-Identifier: Apache-2.0
// TargetMask: which targets are proved down, one bit by target id. Lies beside the tables, not in them: a
// dead target is masked by one store, whatever table a worker looks at. Threads: set() the control thread;
// masked() any worker. Outlives both.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::l4 {

class TargetMask {
 public:
  void set(uint32_t id, bool masked) {
    HG_ASSERT(id < limits::kTargetIdsMax);
    auto& word = words_[id / 64];
    const uint64_t bit = uint64_t{1} << (id % 64);
    const uint64_t before = word.load(std::memory_order_relaxed);
    word.store(masked ? before | bit : before & ~bit, std::memory_order_relaxed);
  }
  bool masked(uint32_t id) const {
    return (words_[id / 64].load(std::memory_order_relaxed) >> (id % 64) & 1) != 0;
  }

 private:
  using Words = std::atomic<uint64_t>[];  // control: writes, workers: read
  std::unique_ptr<Words> words_ = std::make_unique<Words>(limits::kTargetIdsMax / 64);
};

}  // namespace headgate::l4
