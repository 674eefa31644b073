// SPDX-License-Identifier: Apache-2.0
// Outlier: when an endpoint that fails exchange after exchange is passed over, and for how long. What is seen
// is one thread's alone: each thread decides for itself, without a shared counter; a thread that sees no
// traffic ejects nobody. Pure; the state is the thread's cell of the endpoint (upstream_cells.hpp).
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/contract/upstream.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/l7/slow_start.hpp"

namespace headgate::l7 {

enum class TryResult : uint8_t {
  kSuccess,
  kServerError,     // 5xx, but for the three that say "gateway"
  kGatewayFailure,  // 502, 503, 504; reset, timed out or malformed before a response
  kConnectFailure
};
TryResult result_of(uint16_t http_status);

struct OutlierState {
  TimePoint ejected_until = kLongAgo;
  uint32_t server_errors = 0;  // in a row; of every kind
  uint32_t gateway_failures = 0;
  uint32_t connect_failures = 0;
  uint32_t ejections = 0;  // in a row: what the next one's time is multiplied by

  bool ejected(TimePoint now) const { return now < ejected_until; }
};

// True: enough failures in a row to be ejected for. What ends while it is ejected says nothing new.
[[nodiscard]] bool observe(OutlierState& state, TryResult result, const contract::Outlier& rule,
                           TimePoint now);
// Each ejection that follows soon on another is longer; every base time served without one forgives one.
void eject(OutlierState& state, const contract::Outlier& rule, TimePoint now);
// How many of a pool's endpoints may be ejected at once: the percentage, but one of two or more always may.
std::size_t ejected_max(const contract::Outlier& rule, std::size_t endpoints);

}  // namespace headgate::l7
