// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/weighted_turn.hpp"

#include <algorithm>
#include <numeric>

#include "dataplane/core/assert.hpp"

namespace headgate::l7 {
namespace {

// The number nearest to the golden section of `period` that is prime to it.
uint64_t golden_stride(uint64_t period) {
  if (period == 1) return 0;
  constexpr unsigned __int128 kGolden = 0x9e3779b97f4a7c15;  // 2^64 / 1.618…
  const auto golden = static_cast<uint64_t>(period * kGolden >> 64);
  for (uint64_t distance = 0;; ++distance) {
    if (golden + distance < period && std::gcd(golden + distance, period) == 1) return golden + distance;
    if (golden > distance && std::gcd(golden - distance, period) == 1) return golden - distance;
  }
}

}  // namespace

WeightedTurn::WeightedTurn(std::span<const uint32_t> weights) {
  uint64_t divisor = 0;
  for (const uint32_t weight : weights) divisor = std::gcd(divisor, uint64_t{weight});
  if (divisor == 0) return;
  const bool several = weights.size() > 1;
  if (several) ends_.reserve(weights.size());
  for (const uint32_t weight : weights) {
    period_ += weight / divisor;
    if (several) ends_.push_back(period_);
  }
  stride_ = golden_stride(period_);
}

std::size_t WeightedTurn::next(uint64_t& position) const {
  HG_ASSERT(period_ != 0);
  const uint64_t here = position < period_ ? position : position % period_;
  position = here + stride_ < period_ ? here + stride_ : here + stride_ - period_;
  return at(here);
}

std::size_t WeightedTurn::at(uint64_t point) const {
  HG_ASSERT(period_ != 0);
  if (point >= period_) point %= period_;
  if (ends_.empty()) return 0;
  // The first end past the point: an entry of weight 0 ends where the one before it does, so it is never
  // found.
  return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), point) - ends_.begin());
}

}  // namespace headgate::l7
