// SPDX-License-Identifier: Apache-2.0
// NextHops: where the frames of a target go that is on another machine, by target id: the MAC address of the
// neighbour that leads there. Lies beside the tables, as TargetMask does: what the kernel learns of its
// neighbours is no configuration. A word is written whole. Threads: set() the control thread; find() any
// worker. Outlives both.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/line_memory.hpp"

namespace headgate::l4 {

class NextHops {
 public:
  void set(uint32_t id, const std::optional<MacAddress>& next_hop) {
    HG_ASSERT(id < limits::kTargetIdsMax);
    uint64_t word = 0;
    if (next_hop) {
      std::memcpy(&word, next_hop->data(), next_hop->size());
      word |= kKnown;
    }
    words_[id].store(word, std::memory_order_relaxed);
  }
  std::optional<MacAddress> find(uint32_t id) const {
    const uint64_t word = words_[id].load(std::memory_order_relaxed);
    if ((word & kKnown) == 0) return std::nullopt;
    MacAddress next_hop;
    std::memcpy(next_hop.data(), &word, next_hop.size());
    return next_hop;
  }

 private:
  static constexpr uint64_t kKnown = uint64_t{1} << 63;

  LineMemory<std::atomic<uint64_t>> words_{limits::kTargetIdsMax, Touch::kLater};
};

}  // namespace headgate::l4
