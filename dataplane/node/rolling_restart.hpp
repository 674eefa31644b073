// SPDX-License-Identifier: Apache-2.0
// RollingRestart: a shard's replicas on this node, replaced one after the other. It goes on to the next when
// the successor serves and the old process has finished what it had; it ends where a successor does not come
// up, and what is left then is not touched. l4 need not be told of any of it: a successor accepts from the
// sockets of its predecessor, to which l4 sends already. Pure: what is seen and the time are handed in.
// Thread: any one.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dataplane/contract/node_api.hpp"
#include "dataplane/core/clock.hpp"

namespace headgate::node {

// What is to be seen of a replica.
enum class ReplicaSight : uint8_t {
  kGone,       // it is no longer wanted
  kServes,     // one process, and it serves
  kFinishes,   // it serves, and one before it finishes what it has
  kComes,      // it does not serve yet; the one before it does, where there is one
  kCrashLoops  // it does not come up
};

class RollingRestart {
 public:
  enum class Move : uint8_t {
    kNone,     // nothing to do until something changes, or until deadline()
    kReplace,  // replica()
    kPutBack   // replica()'s old process, where it still serves: the restart has failed
  };

  RollingRestart(std::string shard, std::vector<std::string> replicas);

  using SightOf = std::function<ReplicaSight(const std::string& replica)>;
  // What to do now; asked again after it is done, until it is kNone.
  [[nodiscard]] Move next(const SightOf& sight_of, TimePoint now);
  bool over() const { return state_ != contract::RestartState::kRunning; }
  const std::string& replica() const { return replicas_.at(at_); }  // of the Move
  TimePoint deadline() const { return deadline_; }

  contract::ShardRestart status() const;

 private:
  void go_on();
  Move fail(const std::string& why);

  std::string shard_;
  std::vector<std::string> replicas_;  // process names
  contract::RestartState state_;
  std::size_t at_ = 0;
  bool replacing_ = false;  // the one at at_
  TimePoint deadline_ = TimePoint::max();
  uint32_t replaced_ = 0;
  std::string reason_;
};

}  // namespace headgate::node
