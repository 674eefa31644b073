// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/shard_restarts.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "dataplane/core/log.hpp"

namespace headgate::node {

Result<void> ShardRestarts::begin(const std::string& shard, std::vector<std::string> replicas) {
  if (replicas.empty())
    return Error{ErrorCode::kNotFound, fmt::format("shard {} has no replica on this node", shard)};
  const auto last = restarts_.find(shard);
  if (last != restarts_.end() && !last->second.over())
    return Error{ErrorCode::kConflict, fmt::format("a restart of shard {} is under way", shard)};
  log::info(fmt::format("restarting the {} replicas of shard {}", replicas.size(), shard));
  restarts_.insert_or_assign(shard, RollingRestart(shard, std::move(replicas)));
  look();
  return {};
}

void ShardRestarts::look() {
  auto deadline = TimePoint::max();
  for (auto& [shard, restart] : restarts_) {
    if (restart.over()) continue;
    advance(restart);
    deadline = std::min(deadline, restart.deadline());
  }
  timer_ = deadline == TimePoint::max() ? EventLoop::Timer()
                                        : loop_.after(deadline - loop_.now(), [this] { look(); });
}

void ShardRestarts::advance(RollingRestart& restart) {
  const auto before = restart.status();
  const auto sight_of = [this](const std::string& replica) { return processes_.sight_of(replica); };
  for (;;) {
    const auto move = restart.next(sight_of, loop_.now());
    if (move == RollingRestart::Move::kNone) break;
    if (move == RollingRestart::Move::kReplace)
      (void)processes_.restart(restart.replica()).ok();  // it is there: it was seen
    else
      processes_.put_back(restart.replica());
  }
  const auto after = restart.status();
  if (after == before) return;
  if (restart.over())
    log::info(fmt::format("the restart of shard {} is over: {} of {} replicas replaced{}{}", after.shard,
                          after.replaced, after.replicas, after.reason.empty() ? "" : "; ", after.reason));
  on_change_();
}

void ShardRestarts::keep_only(const std::set<std::string>& shards) {
  std::erase_if(restarts_, [&](const auto& entry) { return !shards.contains(entry.first); });
}

std::vector<contract::ShardRestart> ShardRestarts::statuses() const {
  std::vector<contract::ShardRestart> statuses;
  for (const auto& [shard, restart] : restarts_) statuses.push_back(restart.status());
  return statuses;
}

}  // namespace headgate::node
