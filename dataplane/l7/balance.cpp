// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/balance.hpp"

namespace headgate::l7 {
namespace {

constexpr unsigned kTurnsForUntried = 3;

// The load of a against b's without division: outstanding_a / weight_a < outstanding_b / weight_b.
bool less_loaded(const ServingEndpoint& a, const ServingEndpoint& b, PinRow& endpoints) {
  const auto outstanding = [&](const ServingEndpoint& e) { return endpoints.cell(e.endpoint->slot).tally; };
  return outstanding(a) * b.weight < outstanding(b) * a.weight;
}

// Whose turn it is and not yet tried. More turns come before the neighbour does, so that the load of a
// backend that fails does not all fall on the one beside it. Null: all are tried.
const ServingEndpoint* next_untried(const ServingPool& pool, const TriedEndpoints& tried,
                                    uint64_t& position) {
  std::size_t at = 0;
  for (unsigned turn = 0; turn < kTurnsForUntried; ++turn) {
    at = pool.turn.next(position);
    if (!tried.contains(*pool.eligible[at].endpoint)) return &pool.eligible[at];
  }
  for (std::size_t step = 1; step < pool.eligible.size(); ++step) {
    const auto& neighbour = pool.eligible[(at + step) % pool.eligible.size()];
    if (!tried.contains(*neighbour.endpoint)) return &neighbour;
  }
  return nullptr;
}

const ServingEndpoint* least_loaded(const ServingPool& pool, const TriedEndpoints& tried, uint64_t& position,
                                    PinRow& endpoints) {
  const ServingEndpoint* best = next_untried(pool, tried, position);
  if (!best) return nullptr;
  const auto consider = [&](const ServingEndpoint& candidate) {
    if (less_loaded(candidate, *best, endpoints) && !tried.contains(*candidate.endpoint)) best = &candidate;
  };
  const std::size_t count = pool.eligible.size();
  if (count <= limits::kLeastRequestsScan) {
    // From the one whose turn it is, so that equals take turns.
    const auto first = static_cast<std::size_t>(best - pool.eligible.data());
    for (std::size_t step = 1; step < count; ++step) consider(pool.eligible[(first + step) % count]);
    return best;
  }
  // The power of a few choices (Mitzenmacher 2001): nearly as even, at a cost that does not grow.
  for (std::size_t sample = 1; sample < limits::kLeastRequestsSamples; ++sample)
    consider(pool.eligible[pool.turn.next(position)]);
  return best;
}

}  // namespace

EndpointChoice choose_endpoint(const ServingPool& pool, const TriedEndpoints& tried, BalanceState state) {
  if (pool.turn.empty()) return {Outcome::kNoUsableBackend, nullptr};
  uint64_t& position = state.pools.cell(pool.identity->slot).tally;
  const bool least_requests = pool.object->algorithm == contract::Algorithm::kLeastRequests;
  const ServingEndpoint* chosen = least_requests ? least_loaded(pool, tried, position, state.endpoints)
                                                 : next_untried(pool, tried, position);
  if (!chosen) return {Outcome::kAllBackendsTried, nullptr};
  return {Outcome::kFound, chosen->endpoint.get()};
}

}  // namespace headgate::l7
