// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/traffic_counters.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "dataplane/l7/hash.hpp"

namespace headgate::shard {
namespace {

constexpr std::string_view kOthers = "*";  // no resource can have this name

uint64_t hash_of(const TrafficWay& way) {
  return l7::hash_text(way.listener,
                       l7::hash_text(way.route, l7::hash_text(way.pool_namespace, l7::hash_text(way.pool))));
}

std::size_t class_of(uint16_t status) {
  const std::size_t digit = status / 100;
  return digit < contract::kStatusClasses.size() ? digit : 0;
}

// The first bound that is not exceeded; past all of them, one more.
std::size_t duration_class_of(Duration took) {
  const auto& bounds = contract::kDurationBounds;
  return static_cast<std::size_t>(
      std::find_if(bounds.begin(), bounds.end(),
                   [&](std::chrono::milliseconds bound) { return took <= bound; }) -
      bounds.begin());
}

auto names_of(const contract::Traffic& traffic) {
  return std::tie(traffic.listener, traffic.route, traffic.pool);
}

}  // namespace

struct TrafficCounters::Series {
  Series(uint64_t way_hash, const TrafficWay& way)
      : hash(way_hash),
        listener(way.listener),
        route(way.route),
        pool_namespace(way.pool_namespace),
        pool(way.pool) {}

  TrafficWay way() const { return {listener, route, pool_namespace, pool}; }

  const uint64_t hash;
  const std::string listener;
  const std::string route;
  const std::string pool_namespace;
  const std::string pool;
  Counts counts;
};

TrafficCounters::TrafficCounters()
    : others_(std::make_unique<Series>(0, TrafficWay{kOthers, kOthers, {}, kOthers})) {}

TrafficCounters::~TrafficCounters() {
  for (auto& place : places_) delete place.load(std::memory_order_relaxed);
}

void TrafficCounters::add(const TrafficWay& way, uint16_t status, Duration took) {
  Counts& counts = counts_of(way);
  counts.add(class_of(status));
  counts.add(kClasses + duration_class_of(took));
  counts.add(kDurationSum,
             static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
}

void TrafficCounters::add_untimed(const TrafficWay& way, uint16_t status) {
  counts_of(way).add(class_of(status));
}

TrafficCounters::Counts& TrafficCounters::counts_of(const TrafficWay& way) {
  const uint64_t hash = hash_of(way);
  for (std::size_t place = hash % places_.size();; place = place + 1 == places_.size() ? 0 : place + 1) {
    Series* const series = places_[place].load(std::memory_order_relaxed);
    if (!series) return begin_series(place, hash, way);
    if (series->hash == hash && series->way() == way) return series->counts;
  }
}

TrafficCounters::Counts& TrafficCounters::begin_series(std::size_t place, uint64_t hash,
                                                       const TrafficWay& way) {
  if (ways_ == limits::kTrafficWaysMax) return others_->counts;
  ++ways_;
  auto series = std::make_unique<Series>(hash, way);
  Counts& counts = series->counts;
  places_[place].store(series.release(), std::memory_order_release);
  return counts;
}

void TrafficCounters::add_to(std::vector<contract::Traffic>& sums) const {
  const auto add_series = [&](const Series& series) {
    contract::Traffic traffic;
    traffic.listener = series.listener;
    traffic.route = series.route;
    traffic.pool = series.pool_namespace.empty() ? series.pool : series.pool_namespace + "/" + series.pool;
    traffic.by_class.resize(kClasses);
    traffic.by_duration.resize(kDurations);
    auto sum = std::lower_bound(sums.begin(), sums.end(), traffic,
                                [](const auto& a, const auto& b) { return names_of(a) < names_of(b); });
    if (sum == sums.end() || names_of(*sum) != names_of(traffic)) sum = sums.insert(sum, std::move(traffic));
    for (std::size_t i = 0; i < kClasses; ++i) sum->by_class[i] += series.counts.read(i);
    for (std::size_t i = 0; i < kDurations; ++i) sum->by_duration[i] += series.counts.read(kClasses + i);
    sum->duration_us += series.counts.read(kDurationSum);
  };
  for (const auto& place : places_)
    if (const Series* series = place.load(std::memory_order_acquire)) add_series(*series);
  const auto is_used = [&](const Series& series) {
    for (std::size_t i = 0; i < kClasses; ++i)
      if (series.counts.read(i) > 0) return true;
    return false;
  };
  if (is_used(*others_)) add_series(*others_);
}

}  // namespace headgate::shard
