// SPDX-License-Identifier: Apache-2.0
// TrafficCounters: the requests that one thread has ended, by the way that they went, by the class of their
// status and by how long they took. Ways are known by names, so a counter goes on when a route is changed.
// Bounded: past kTrafficWaysMax all new ways are counted as one, whose names are "*"; a way is never given
// up, since its counters must not fall. Threads: add() the owner, add_to() the control thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/stats.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/crossing/worker_counters.hpp"

namespace headgate::shard {

// Names; empty as in contract::Traffic.
struct TrafficWay {
  std::string_view listener = {};
  std::string_view route = {};  // in full: "namespace/name"
  std::string_view pool_namespace = {};
  std::string_view pool = {};

  friend bool operator==(const TrafficWay&, const TrafficWay&) = default;
};

class TrafficCounters {
 public:
  TrafficCounters();
  ~TrafficCounters();

  // `status`: 0 where none was sent.
  void add(const TrafficWay& way, uint16_t status, Duration took);
  void add_untimed(const TrafficWay& way, uint16_t status);

  // Adds what has been counted to that of other threads: sorted by names, each way once.
  void add_to(std::vector<contract::Traffic>& sums) const;

 private:
  static constexpr std::size_t kClasses = contract::kStatusClasses.size();
  static constexpr std::size_t kDurations = contract::kDurationBounds.size() + 1;
  static constexpr std::size_t kDurationSum = kClasses + kDurations;
  using Counts = crossing::WorkerCounters<kDurationSum + 1>;

  struct Series;
  Counts& counts_of(const TrafficWay& way);
  Counts& begin_series(std::size_t place, uint64_t hash, const TrafficWay& way);

  // Half empty at least, probed in order. Owner: writes, control: reads; a series is whole before it is here.
  std::array<std::atomic<Series*>, 2 * limits::kTrafficWaysMax> places_{};
  std::size_t ways_ = 0;  // owner only
  std::unique_ptr<Series> others_;
};

}  // namespace headgate::shard
