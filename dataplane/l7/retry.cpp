// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/retry.hpp"

#include <algorithm>

namespace headgate::l7 {

using contract::Millis;

bool wants_retry(const contract::Retry& rule, contract::RetryOn cause) {
  return std::find(rule.on.begin(), rule.on.end(), cause) != rule.on.end();
}

bool wants_retry(const contract::Retry& rule, uint16_t http_status) {
  return std::any_of(rule.statuses.begin(), rule.statuses.end(), [&](const contract::StatusRange& range) {
    return range.first <= http_status && http_status <= range.last;
  });
}

bool budget_allows(const contract::RetryBudget& budget, uint32_t requests, uint32_t retries) {
  const uint64_t share = uint64_t{requests} * budget.percent / 100;
  return retries < std::max<uint64_t>(share, budget.retries_min);
}

Duration backoff(const contract::Retry& rule, unsigned number, uint64_t random) {
  const Millis longest = std::max(rule.backoff_base, rule.backoff_max);
  Millis bound = rule.backoff_base;
  for (unsigned doubled = 1; doubled < number && bound < longest; ++doubled) bound *= 2;
  bound = std::min(bound, longest);
  if (bound.count() <= 0) return Duration{0};
  return Millis(1 + static_cast<int64_t>(random % static_cast<uint64_t>(bound.count())));
}

}  // namespace headgate::l7
