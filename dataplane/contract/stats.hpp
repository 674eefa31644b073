// SPDX-License-Identifier: Apache-2.0
// Stats: counters and gauges as one process reports them, all of them each time; a counter never falls while
// the process lives. Names and labels as /metrics shows them. Thread: the control thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
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

struct Stats {
  std::vector<Sample> samples;

  static constexpr auto kFields = std::tuple{field("samples", &Stats::samples)};
  friend bool operator==(const Stats&, const Stats&) = default;
};

}  // namespace headgate::contract
