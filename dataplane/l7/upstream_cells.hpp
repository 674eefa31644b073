// SPDX-License-Identifier: Apache-2.0
// What one thread knows of a pool and of an endpoint: counts, whose turn it is, who is ejected. Cells of the
// rows in pins.hpp: plain numbers without an atomic but what control reads, because no other thread counts in
// them.
// Thread: the row's. Every count falls to 0 before the slot is used again: who counted holds a pin.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/l7/outlier.hpp"
#include "dataplane/l7/pins.hpp"

namespace headgate::l7 {

struct PoolCell {
  std::atomic<uint32_t> pins{0};  // nobody's: endpoints and plans hold the identity itself
  // Whose turn it is, by level of priority: levels differ in their period. The last ones share one.
  std::array<uint64_t, 4> turns{};
  TimePoint ejected_until = kLongAgo;  // from then on no endpoint is ejected
  uint32_t requests = 0;               // exchanges that run, or wait for a connection
  uint32_t retries = 0;                // of them: repetitions of what a backend has seen
  uint32_t connections = 0;            // open ones, idle or not
  uint32_t waiting = 0;                // exchanges in the queue for a connection

  void renew() {
    turns = {};
    ejected_until = kLongAgo;
    requests = retries = connections = waiting = 0;
  }
};

struct EndpointCell {
  std::atomic<uint32_t> pins{0};
  float slow_start_credit = 0;  // of a turn; at 1 the endpoint takes one
  uint64_t tally = 0;           // requests outstanding
  OutlierState outlier;
  std::atomic<TimePoint> passed_over_until{kLongAgo};  // worker: writes, control: reads; as `outlier` has it

  void renew() {
    passed_over_until.store(kLongAgo, std::memory_order_relaxed);
    tally = 0;
    slow_start_credit = 0;
    outlier = {};
  }
};

using PoolRow = CellRow<PoolCell>;
using EndpointRow = CellRow<EndpointCell>;

}  // namespace headgate::l7
