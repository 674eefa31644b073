// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/balance.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/l7/hash.hpp"

namespace headgate::l7 {
namespace {

constexpr unsigned kTurnsForUntried = 3;
constexpr uint64_t kNextSample = 0x9e3779b97f4a7c15;  // 2^64 / 1.618…

// One choice; lives no longer.
class Chooser {
 public:
  Chooser(const ServingPool& pool, const TriedEndpoints& tried, BalanceState state, const BalanceInput& input)
      : pool_(pool),
        tried_(tried),
        state_(state),
        input_(input),
        cell_(state.pools.cell(pool.identity->slot)) {
    passes_ejected_ = input.now < cell_.ejected_until;
    const auto& window = pool.object->slow_start;
    ramping_ = window && input.now < std::max(pool.last_usable_since, cell_.ejected_until) + *window;
  }

  const ServingEndpoint* choose() {
    if (input_.affinity)
      if (const auto* named = affine()) return named;
    const auto turns = cell_.turns;
    if (const auto* found = choose_in_levels()) return found;
    if (!std::exchange(passes_ejected_, false)) return nullptr;
    // Panic: one that is ejected is better than none. The turns that led nowhere are given back, else their
    // number and the panic's would meet the same endpoint each time.
    cell_.turns = turns;
    return choose_in_levels();
  }

 private:
  EndpointCell& cell(const ServingEndpoint& each) const { return state_.endpoints.cell(each.endpoint->slot); }
  bool acceptable(const ServingEndpoint& each) const {
    return !tried_.contains(*each.endpoint) && !(passes_ejected_ && cell(each).outlier.ejected(input_.now));
  }

  // Draining, it still serves those who were there.
  const ServingEndpoint* affine() const {
    const auto* named = pool_.find_affine(*input_.affinity);
    return named && (named->usable || pool_.tries_all) && acceptable(*named) ? named : nullptr;
  }

  std::size_t usable_of(const PoolLevel& level) const {
    return static_cast<std::size_t>(
        std::count_if(level.eligible.begin(), level.eligible.end(),
                      [&](uint32_t at) { return !cell(pool_.all[at]).outlier.ejected(input_.now); }));
  }

  // By health, and for this thread by its ejections too.
  std::size_t serving_level() const {
    if (!passes_ejected_ || pool_.levels.size() < 2) return pool_.level;
    const uint32_t percent = pool_.object->failover_percent;
    for (std::size_t i = 0; i < pool_.levels.size(); ++i)
      if (level_serves(usable_of(pool_.levels[i]), pool_.levels[i].members.size(), percent)) return i;
    return pool_.level;
  }

  const ServingEndpoint* choose_in_levels() {
    const std::size_t count = pool_.levels.size();
    const std::size_t first = serving_level();
    for (std::size_t step = 0; step < count; ++step) {
      const std::size_t at = (first + step) % count;
      const auto& level = pool_.levels[at];
      if (level.turn.empty()) continue;
      turn_ = &cell_.turns[std::min(at, cell_.turns.size() - 1)];
      if (const auto* found = choose_in(level)) return found;
    }
    return nullptr;
  }

  const ServingEndpoint* choose_in(const PoolLevel& level) {
    switch (pool_.object->algorithm) {
      case contract::Algorithm::kLeastRequests:
        return least_loaded(level);
      case contract::Algorithm::kRandom:
        return random(level);
      case contract::Algorithm::kMaglev:
        if (!input_.key || level.maglev->empty()) break;
        if (const auto* found = by_key(level)) return found;
        break;
      case contract::Algorithm::kRoundRobin:
        break;
    }
    return next_turn(level);
  }

  double ramp(const ServingEndpoint& each) const {
    const TimePoint since = std::max(each.usable_since, cell(each).outlier.ejected_until);
    return slow_start_share(input_.now - since, *pool_.object->slow_start);
  }

  // Whether an endpoint that starts slowly takes this turn: of its turns it takes the part that is its share,
  // evenly and without chance.
  bool takes_turn(const ServingEndpoint& each) const {
    const double share = ramp(each);
    if (share >= 1) return true;
    auto& credit = cell(each).slow_start_credit;
    credit += static_cast<float>(share);
    if (credit < 1) return false;
    credit -= 1;
    return true;
  }

  // Draws until one is acceptable; null: not among so many, or none is. `draw` gives an index of `eligible`.
  template <typename Draw>
  const ServingEndpoint* draw_acceptable(const PoolLevel& level, Draw&& draw) {
    std::size_t at = 0;
    unsigned refused = 0;
    for (unsigned turn = 0; turn < limits::kSlowStartTurnsMax && refused < kTurnsForUntried; ++turn) {
      at = draw();
      const auto& each = pool_.all[level.eligible[at]];
      if (!acceptable(each))
        ++refused;
      else if (!ramping_ || takes_turn(each))
        return &each;
    }
    // More turns come before the neighbour does, so that the load of a backend that fails does not all fall
    // on the one beside it.
    for (std::size_t step = 0; step < level.eligible.size(); ++step) {
      const auto& neighbour = pool_.all[level.eligible[(at + step) % level.eligible.size()]];
      if (acceptable(neighbour)) return &neighbour;
    }
    return nullptr;
  }

  const ServingEndpoint* next_turn(const PoolLevel& level) {
    return draw_acceptable(level, [&] { return level.turn.next(*turn_); });
  }

  const ServingEndpoint* random(const PoolLevel& level) {
    uint64_t sample = input_.random;
    return draw_acceptable(level, [&] { return level.turn.at(sample = hash_mix(sample, kNextSample)); });
  }

  const ServingEndpoint* by_key(const PoolLevel& level) const {
    uint64_t hash = *input_.key;
    for (unsigned step = 0; step < limits::kMaskedStepsMax; ++step) {
      const auto& each = pool_.all[level.by_name[level.maglev->choose(hash)]];
      if ((each.usable || pool_.tries_all) && acceptable(each)) return &each;
      hash = hash_mix(hash ^ kNextSample, kNextSample);
    }
    return nullptr;
  }

  // The load of a against b's without division: outstanding_a / weight_a < outstanding_b / weight_b.
  bool less_loaded(const ServingEndpoint& a, const ServingEndpoint& b) const {
    if (ramping_)
      return static_cast<double>(cell(a).tally) * b.weight * ramp(b) <
             static_cast<double>(cell(b).tally) * a.weight * ramp(a);
    return cell(a).tally * b.weight < cell(b).tally * a.weight;
  }

  const ServingEndpoint* least_loaded(const PoolLevel& level) {
    const ServingEndpoint* best = next_turn(level);
    if (!best) return nullptr;
    const auto consider = [&](const ServingEndpoint& candidate) {
      if (less_loaded(candidate, *best) && acceptable(candidate)) best = &candidate;
    };
    const std::size_t count = level.eligible.size();
    if (count > limits::kLeastRequestsScan) {
      // The power of two choices (Mitzenmacher 2001): nearly as even, at a cost that does not grow. The other
      // one by chance: by turns the same two would meet again and again, and two slow ones never get away.
      consider(pool_.all[level.eligible[level.turn.at(hash_mix(input_.random, kNextSample))]]);
      return best;
    }
    // From the one whose turn it is, so that equals take turns.
    const auto first = std::lower_bound(level.eligible.begin(), level.eligible.end(),
                                        static_cast<uint32_t>(best - pool_.all.data())) -
                       level.eligible.begin();
    for (std::size_t step = 1; step < count; ++step)
      consider(pool_.all[level.eligible[(static_cast<std::size_t>(first) + step) % count]]);
    return best;
  }

  const ServingPool& pool_;
  const TriedEndpoints& tried_;
  BalanceState state_;
  const BalanceInput& input_;
  PoolCell& cell_;
  uint64_t* turn_ = nullptr;  // of the level that is chosen from
  bool passes_ejected_ = false;
  bool ramping_ = false;
};

}  // namespace

EndpointChoice choose_endpoint(const ServingPool& pool, const TriedEndpoints& tried, BalanceState state,
                               const BalanceInput& input) {
  const auto* chosen = Chooser(pool, tried, state, input).choose();
  if (chosen) return {Outcome::kFound, chosen->endpoint.get()};
  return {pool.level == pool.levels.size() ? Outcome::kNoUsableBackend : Outcome::kAllBackendsTried, nullptr};
}

Ejection report_try(const ServingPool& pool, const PoolEndpoint& endpoint, TryResult result,
                    BalanceState state, TimePoint now) {
  const auto& rule = pool.object->outlier;
  if (!rule) return Ejection::kNone;
  auto& endpoint_cell = state.endpoints.cell(endpoint.slot);
  auto& outlier = endpoint_cell.outlier;
  if (!observe(outlier, result, *rule, now)) return Ejection::kNone;
  const auto ejected = static_cast<std::size_t>(
      std::count_if(pool.all.begin(), pool.all.end(), [&](const ServingEndpoint& each) {
        return state.endpoints.cell(each.endpoint->slot).outlier.ejected(now);
      }));
  if (ejected >= ejected_max(*rule, pool.all.size())) return Ejection::kSpared;
  eject(outlier, *rule, now);
  endpoint_cell.passed_over_until.store(outlier.ejected_until, std::memory_order_relaxed);
  auto& cell = state.pools.cell(pool.identity->slot);
  cell.ejected_until = std::max(cell.ejected_until, outlier.ejected_until);
  return Ejection::kEjected;
}

}  // namespace headgate::l7
