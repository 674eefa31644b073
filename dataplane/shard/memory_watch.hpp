// SPDX-License-Identifier: Apache-2.0
// MemoryWatch: looks at how much of its memory limit a replica uses, and says when it is short of it: load is
// then shed in time, while the process can still answer. What counts is the memory that is the process's
// alone (resident, not shared with a file); what the kernel holds for its sockets is bounded by the kernel.
// Thread: control.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::shard {

// With a gap between the two, so that it does not change its mind with each request. Pure.
constexpr bool memory_is_short(bool was_short, uint64_t used_bytes, uint64_t max_bytes) {
  const double share = static_cast<double>(used_bytes) / static_cast<double>(max_bytes);
  return share >= (was_short ? limits::kMemoryShortUntil : limits::kMemoryShortFrom);
}

// Of /proc/PID/statm: pages in all, resident, shared, … (proc(5)); none where it says nothing of the kind.
std::optional<uint64_t> own_bytes(const std::string& statm, uint64_t page_bytes);

class MemoryWatch {
 public:
  // `max_bytes` 0: there is no limit, and nothing to look at.
  explicit MemoryWatch(uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // When look() wants to be called; none: never.
  std::optional<TimePoint> due() const { return max_bytes_ ? std::optional(due_) : std::nullopt; }
  // True: it is short now, or no longer, and was not so before.
  bool look(TimePoint now);
  bool is_short() const { return is_short_; }
  std::string notice() const;  // empty where it is not short

 private:
  uint64_t max_bytes_;
  TimePoint due_{};
  bool is_short_ = false;
};

}  // namespace headgate::shard
