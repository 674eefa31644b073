// SPDX-License-Identifier: Apache-2.0
// NextHops: where the frames of a target go that is on another machine, by target id: the MAC address of the
// neighbour that leads there. Lies beside the tables, as TargetMask does: what the kernel learns of its
// neighbours is no configuration. A word is written whole. Threads: set() the control thread; find() any
// worker. Outlives both.
#pragma once

#include <atomic>
#include <cstdint>
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
    words_[id].store(next_hop ? load_mac(next_hop->data()) | kKnown : 0, std::memory_order_relaxed);
  }
  std::optional<MacAddress> find(uint32_t id) const {
    const uint64_t found = word(id);
    if (found == 0) return std::nullopt;
    MacAddress next_hop;
    store_mac(next_hop.data(), found);
    return next_hop;
  }
  // For store_mac(); 0 where none is known.
  uint64_t word(uint32_t id) const { return words_[id].load(std::memory_order_relaxed); }

 private:
  static constexpr uint64_t kKnown = uint64_t{1} << 63;

  LineMemory<std::atomic<uint64_t>> words_{limits::kTargetIdsMax, Touch::kLater};
};

}  // namespace headgate::l4
