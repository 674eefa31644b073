// SPDX-License-Identifier: Apache-2.0
// TargetMask: how much each target takes of the new flows that fall to it, by target id: all, none where it
// is proved down (masked), a share while it starts slowly. Lies beside the tables, not in them: a dead target
// is masked by one store, whatever table a worker looks at. Threads: set() the control thread; all else any
// worker. Outlives both.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::l4 {

class TargetMask {
 public:
  static constexpr uint8_t kAll = 255;  // of 255
  static constexpr uint8_t kNone = 0;

  void set_share(uint32_t id, uint8_t share) {
    HG_ASSERT(id < limits::kTargetIdsMax);
    lacking_[id].store(static_cast<uint8_t>(kAll - share), std::memory_order_relaxed);
  }
  void set(uint32_t id, bool masked) { set_share(id, masked ? kNone : kAll); }
  uint8_t share(uint32_t id) const {
    return static_cast<uint8_t>(kAll - lacking_[id].load(std::memory_order_relaxed));
  }
  bool masked(uint32_t id) const { return share(id) == kNone; }
  // Whether it takes a flow with this hash.
  bool takes(uint32_t id, uint64_t hash) const {
    const uint8_t taken = share(id);
    return taken == kAll || (taken != kNone && (hash & 0xff) < taken);
  }

 private:
  using Bytes = std::atomic<uint8_t>[];  // control: writes, workers: read; zero: takes all
  std::unique_ptr<Bytes> lacking_ = std::make_unique<Bytes>(limits::kTargetIdsMax);
};

}  // namespace headgate::l4
