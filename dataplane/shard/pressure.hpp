// SPDX-License-Identifier: Apache-2.0
// Pressure: what the threads of a replica know of each other's load, so that one client, or more clients than
// there is memory for, end in refusals and not in a process that the kernel kills. Threads: any.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/crossing/shared_tally.hpp"

namespace headgate::shard {

class Pressure {
 public:
  Pressure();  // the secret of its hash is the kernel's: nobody can choose addresses that collide

  // A source is an IPv4 address, or the /64 that an IPv6 address is in: one host has that many for the
  // asking.
  uint64_t source_of(const IpAddress& address) const;
  // False: it holds `max` connections already. True: leave() once the connection has closed.
  [[nodiscard]] bool enter(uint64_t source, uint32_t max) { return sources_.enter(source, max); }
  void leave(uint64_t source) { sources_.leave(source); }

  // No new connection and no new request is taken (memory_watch.hpp).
  bool memory_is_short() const { return memory_is_short_.load(std::memory_order_relaxed); }
  void set_memory_short(bool is_short) { memory_is_short_.store(is_short, std::memory_order_relaxed); }

 private:
  uint64_t secret_;
  crossing::SharedTally<limits::kSourceCells> sources_;
  std::atomic<bool> memory_is_short_{false};
};

}  // namespace headgate::shard
