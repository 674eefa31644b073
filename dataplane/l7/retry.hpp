// SPDX-License-Identifier: Apache-2.0
// Retry: what a rule wants tried again, how long to wait before, and whether the pool's budget has room. The
// budget bounds how much a pool in trouble is asked beyond what clients ask: repetitions are at most a share
// of the requests that run, and a few. Trying another endpoint because a connect failed is none: no backend
// has seen the request yet. Pure.
#pragma once

#include <cstdint>

#include "dataplane/contract/upstream.hpp"
#include "dataplane/core/clock.hpp"

namespace headgate::l7 {

bool wants_retry(const contract::Retry& rule, contract::RetryOn cause);
bool wants_retry(const contract::Retry& rule, uint16_t http_status);

// Whether one more may run beside `retries` of the `requests` that run now.
bool budget_allows(const contract::RetryBudget& budget, uint32_t requests, uint32_t retries);

// Before repetition number `number` (the first is 1): a random part of a bound that doubles, so that clients
// that failed together do not come back together. At least 1 ms where the rule's base is not 0.
Duration backoff(const contract::Retry& rule, unsigned number, uint64_t random);

}  // namespace headgate::l7
