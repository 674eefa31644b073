// SPDX-License-Identifier: Apache-2.0
// PoolLevel: the endpoints of one priority of a pool, in the forms that the algorithms choose from. The pool
// is served by its first level with enough usable endpoints; the others stand by. Built by the control
// thread, const in between; any thread reads.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/core/maglev.hpp"
#include "dataplane/l7/weighted_turn.hpp"

namespace headgate::l7 {

struct ServingPool;

struct PoolLevel {
  uint32_t priority = 0;
  std::vector<uint32_t> members;   // positions in ServingPool::all of what takes new exchanges, up or down
  std::vector<uint32_t> eligible;  // those of them that may be chosen now
  WeightedTurn turn;               // over `eligible`
  // Over `members`, whose health only masks: a table is built anew where members or weights change, and then
  // alone. Null where the algorithm is another.
  std::shared_ptr<const Maglev> maglev;
  std::vector<uint32_t> by_name;  // position in the Maglev → position in ServingPool::all
};

// The levels of `pool.all`, and which of them serves; takes Maglev tables over from `previous` (may be null).
void build_levels(ServingPool& pool, const ServingPool* previous);

// Whether a level of `members` endpoints, of which `usable` may be chosen, serves before the levels below it.
constexpr bool level_serves(std::size_t usable, std::size_t members, uint32_t failover_percent) {
  return usable > 0 && usable * 100 >= members * failover_percent;
}

}  // namespace headgate::l7
