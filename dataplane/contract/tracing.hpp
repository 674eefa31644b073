// SPDX-License-Identifier: Apache-2.0
// Tracing: where a shard's replicas send the spans of its exchanges, and of how many. Without it requests
// keep whatever trace context they came with. Pure values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include "dataplane/contract/fields.hpp"

namespace headgate::contract {

struct Tracing {
  std::string endpoint;           // of OTLP/HTTP, as "http://collector:4318/v1/traces"
  uint32_t sample_percent = 100;  // of the traces that begin here; of others their sender has decided
  std::string service_name;       // empty: "headgate"

  static constexpr auto kFields =
      std::tuple{field("endpoint", &Tracing::endpoint), field("sample_percent", &Tracing::sample_percent),
                 field("service_name", &Tracing::service_name)};
  friend bool operator==(const Tracing&, const Tracing&) = default;
};

}  // namespace headgate::contract
