// SPDX-License-Identifier: Apache-2.0
// ShardRestarts: the restarts of shards on this node, driven over the ProcessTable; the last of each shard is
// remembered for the report. Thread: the node's loop. Outlived by loop and table.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/node/process_table.hpp"
#include "dataplane/node/rolling_restart.hpp"

namespace headgate::node {

class ShardRestarts {
 public:
  ShardRestarts(EventLoop& loop, ProcessTable& processes, std::function<void()> on_change)
      : loop_(loop), processes_(processes), on_change_(std::move(on_change)) {}

  // kConflict where one of that shard is under way, kNotFound without replicas (process names).
  Result<void> begin(const std::string& shard, std::vector<std::string> replicas);
  // Something has become of a process; never from within the table's own calls.
  void look();
  // Those of other shards are forgotten: they are not on this node any more.
  void keep_only(const std::set<std::string>& shards);

  std::vector<contract::ShardRestart> statuses() const;

 private:
  void advance(RollingRestart& restart);

  EventLoop& loop_;
  ProcessTable& processes_;
  std::function<void()> on_change_;
  std::map<std::string, RollingRestart> restarts_;  // by shard
  EventLoop::Timer timer_;
};

}  // namespace headgate::node
