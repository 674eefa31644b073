// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/pool_level.hpp"

#include <algorithm>
#include <map>

#include "dataplane/l7/pool_table.hpp"

namespace headgate::l7 {
namespace {

WeightedTurn turn_over(const ServingPool& pool, const std::vector<uint32_t>& positions) {
  std::vector<uint32_t> weights;
  weights.reserve(positions.size());
  for (const uint32_t at : positions) weights.push_back(pool.all[at].weight);
  return WeightedTurn(weights);
}

const PoolLevel* find_level(const ServingPool* pool, uint32_t priority) {
  if (!pool) return nullptr;
  const auto found = std::find_if(pool->levels.begin(), pool->levels.end(),
                                  [&](const PoolLevel& level) { return level.priority == priority; });
  return found == pool->levels.end() ? nullptr : &*found;
}

void build_maglev(const ServingPool& pool, const PoolLevel* before, PoolLevel& level) {
  level.by_name = level.members;
  std::sort(level.by_name.begin(), level.by_name.end(),
            [&](uint32_t a, uint32_t b) { return pool.all[a].endpoint->text < pool.all[b].endpoint->text; });
  if (level.by_name.size() > limits::kMaglevMembersMax) level.by_name.resize(limits::kMaglevMembersMax);
  std::vector<MaglevMember> members;
  for (const uint32_t at : level.by_name)
    members.push_back({pool.all[at].endpoint->text, pool.all[at].weight});
  if (before && before->maglev && before->maglev->members() == members)
    level.maglev = before->maglev;
  else
    level.maglev = std::make_shared<const Maglev>(std::move(members));
}

std::size_t serving_level(const ServingPool& pool) {
  const auto serves = [](uint32_t percent) {
    return [percent](const PoolLevel& level) {
      return level_serves(level.eligible.size(), level.members.size(), percent);
    };
  };
  auto found = std::find_if(pool.levels.begin(), pool.levels.end(), serves(pool.object->failover_percent));
  // Where no level has enough, the first that has any.
  if (found == pool.levels.end()) found = std::find_if(pool.levels.begin(), pool.levels.end(), serves(0));
  return static_cast<std::size_t>(found - pool.levels.begin());
}

}  // namespace

void build_levels(ServingPool& pool, const ServingPool* previous) {
  std::map<uint32_t, PoolLevel> by_priority;
  for (uint32_t at = 0; at < pool.all.size(); ++at) {
    if (pool.all[at].drain) continue;
    auto& level = by_priority[pool.all[at].priority];
    level.priority = pool.all[at].priority;
    level.members.push_back(at);
    if (pool.all[at].usable) level.eligible.push_back(at);
  }
  const bool all_down = std::all_of(by_priority.begin(), by_priority.end(),
                                    [](const auto& each) { return each.second.eligible.empty(); });
  pool.tries_all = all_down && pool.object->when_all_down == contract::WhenAllDown::kTryAll;
  for (auto& [priority, level] : by_priority) {
    if (pool.tries_all) level.eligible = level.members;
    level.turn = turn_over(pool, level.eligible);
    if (pool.object->algorithm == contract::Algorithm::kMaglev)
      build_maglev(pool, find_level(previous, priority), level);
    pool.levels.push_back(std::move(level));
  }
  pool.level = serving_level(pool);
}

}  // namespace headgate::l7
