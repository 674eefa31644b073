// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/outlier.hpp"

#include <algorithm>

namespace headgate::l7 {

TryResult result_of(uint16_t http_status) {
  if (http_status >= 502 && http_status <= 504) return TryResult::kGatewayFailure;
  return http_status >= 500 ? TryResult::kServerError : TryResult::kSuccess;
}

bool observe(OutlierState& state, TryResult result, const contract::Outlier& rule, TimePoint now) {
  if (state.ejected(now)) return false;
  const auto count = [](bool failed, uint32_t& in_a_row) { in_a_row = failed ? in_a_row + 1 : 0; };
  count(result != TryResult::kSuccess, state.server_errors);
  count(result == TryResult::kGatewayFailure || result == TryResult::kConnectFailure, state.gateway_failures);
  count(result == TryResult::kConnectFailure, state.connect_failures);
  const auto reached = [](uint32_t in_a_row, uint32_t threshold) {
    return threshold != 0 && in_a_row >= threshold;
  };
  return reached(state.server_errors, rule.consecutive_5xx) ||
         reached(state.gateway_failures, rule.consecutive_gateway_failures) ||
         reached(state.connect_failures, rule.consecutive_connect_failures);
}

void eject(OutlierState& state, const contract::Outlier& rule, TimePoint now) {
  const Duration base = rule.base_ejection_time;
  if (state.ejections > 0) {
    const auto forgiven = static_cast<uint64_t>((now - state.ejected_until) / base);
    state.ejections -= static_cast<uint32_t>(std::min<uint64_t>(forgiven, state.ejections));
  }
  ++state.ejections;
  const auto longest = static_cast<uint64_t>(std::max(rule.ejection_time_max, rule.base_ejection_time) /
                                             rule.base_ejection_time);
  if (state.ejections > longest) state.ejections = static_cast<uint32_t>(longest) + 1;
  state.ejected_until = now + std::min<Duration>(base * state.ejections,
                                                 std::max(rule.ejection_time_max, rule.base_ejection_time));
  state.server_errors = state.gateway_failures = state.connect_failures = 0;
}

std::size_t ejected_max(const contract::Outlier& rule, std::size_t endpoints) {
  if (endpoints < 2) return 0;
  return std::max<std::size_t>(1, endpoints * rule.ejected_percent_max / 100);
}

}  // namespace headgate::l7
