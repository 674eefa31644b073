// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/rolling_restart.hpp"

#include <utility>

#include "dataplane/core/limits.hpp"

namespace headgate::node {

using contract::RestartState;

RollingRestart::RollingRestart(std::string shard, std::vector<std::string> replicas)
    : shard_(std::move(shard)),
      replicas_(std::move(replicas)),
      state_(replicas_.empty() ? RestartState::kDone : RestartState::kRunning) {}

RollingRestart::Move RollingRestart::next(const SightOf& sight_of, TimePoint now) {
  while (!over()) {
    const ReplicaSight sight = sight_of(replica());
    if (sight == ReplicaSight::kGone) {
      go_on();
      continue;
    }
    if (!replacing_) {
      replacing_ = true;
      deadline_ = now + limits::kReplacementTime;
      return Move::kReplace;
    }
    switch (sight) {
      case ReplicaSight::kServes:
        ++replaced_;
        go_on();
        continue;
      case ReplicaSight::kFinishes:  // as long as its drain takes; but the successor may still fall
        deadline_ = now + limits::kReplacementTime;
        return Move::kNone;
      case ReplicaSight::kCrashLoops:
        return fail("does not come up");
      default:
        if (now < deadline_) return Move::kNone;
        return fail("has not come up in time");
    }
  }
  return Move::kNone;
}

void RollingRestart::go_on() {
  replacing_ = false;
  deadline_ = TimePoint::max();
  if (++at_ == replicas_.size()) state_ = RestartState::kDone;
}

RollingRestart::Move RollingRestart::fail(const std::string& why) {
  state_ = RestartState::kFailed;
  deadline_ = TimePoint::max();
  reason_ = replica() + " " + why;
  return Move::kPutBack;
}

contract::ShardRestart RollingRestart::status() const {
  return {.shard = shard_,
          .state = state_,
          .replicas = static_cast<uint32_t>(replicas_.size()),
          .replaced = replaced_,
          .reason = reason_};
}

}  // namespace headgate::node
