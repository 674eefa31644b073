// SPDX-License-Identifier: Apache-2.0
// Stats: counters and gauges as one process reports them, all of them each time; a counter never falls while
// the process lives. Names and labels as /metrics shows them. Traffic: the same of the requests that have
// gone one way. Thread: the control thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/fields.hpp"

namespace headgate::contract {

struct Sample {
  std::string name;  // snake_case with its unit last: "rx_packets_total", "open_connections"
  std::map<std::string, std::string> labels;
  uint64_t value = 0;

  static constexpr auto kFields = std::tuple{field("name", &Sample::name), field("labels", &Sample::labels),
                                             field("value", &Sample::value)};
  friend bool operator==(const Sample&, const Sample&) = default;
};

// The first digit of a response's status; none: nobody got one (the client was gone, or it is TLS passed on).
inline constexpr std::array<std::string_view, 6> kStatusClasses{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

// A request is of the first of these that it does not exceed; past all of them, of one more.
inline constexpr auto kDurationBounds = [] {
  using namespace std::chrono_literals;
  return std::array<std::chrono::milliseconds, 13>{1ms,   2ms,   5ms,    10ms,   25ms,   50ms,    100ms,
                                                   250ms, 500ms, 1000ms, 2500ms, 5000ms, 10'000ms};
}();

// Requests that have ended, by the way that they went. "*" in the place of all three names: those for whose
// way there was no room any more.
struct Traffic {
  std::string listener;               // name; empty: none was reached
  std::string route;                  // "namespace/name"; empty: no rule held
  std::string pool;                   // "namespace/name"; empty: it was answered here
  std::vector<uint64_t> by_class;     // of kStatusClasses
  std::vector<uint64_t> by_duration;  // of kDurationBounds, and one more; from its first byte to its end
  uint64_t duration_us = 0;           // of all of them. A tunnel, as a WebSocket, has no duration

  static constexpr auto kFields = std::tuple{field("listener", &Traffic::listener),
                                             field("route", &Traffic::route),
                                             field("pool", &Traffic::pool),
                                             field("by_class", &Traffic::by_class),
                                             field("by_duration", &Traffic::by_duration),
                                             field("duration_us", &Traffic::duration_us)};
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

struct Stats {
  std::vector<Sample> samples;
  std::vector<Traffic> traffic = {};

  static constexpr auto kFields =
      std::tuple{field("samples", &Stats::samples), field("traffic", &Stats::traffic)};
  friend bool operator==(const Stats&, const Stats&) = default;
};

}  // namespace headgate::contract
