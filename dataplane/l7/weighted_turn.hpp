// SPDX-License-Identifier: Apache-2.0
// WeightedTurn: whose turn it is among weighted entries, exact and smooth. All weight lies on a circle of
// circumference W (the sum of the weights over their greatest common divisor); each turn steps on by a stride
// prime to W, so W turns visit every point once and each entry gets exactly its weight; the stride is near
// the golden section of W, which spreads an entry's turns as evenly as one number can (three-distance
// theorem, Sós 1958). A turn is a binary search; its whole state is one number of the caller's, so no
// entry has one. Const after it is built; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace headgate::l7 {

class WeightedTurn {
 public:
  WeightedTurn() = default;
  explicit WeightedTurn(std::span<const uint32_t> weights);  // an entry of weight 0 gets no turn

  bool empty() const { return period_ == 0; }
  uint64_t period() const { return period_; }
  // The entry whose turn it is; `position` is then the next one's. Any value of it is valid: it may come
  // from another WeightedTurn. Not of an empty one.
  std::size_t next(uint64_t& position) const;
  // The entry at a point of the circle, any number: of an even random one each entry gets its share. Not of
  // an empty one.
  std::size_t at(uint64_t point) const;

 private:
  std::vector<uint64_t> ends_;  // of each entry's arc; none where there is one entry
  uint64_t period_ = 0;
  uint64_t stride_ = 0;
};

}  // namespace headgate::l7
