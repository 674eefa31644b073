// SPDX-License-Identifier: Apache-2.0
// DeltaLog: the latest changes of one node's snapshot, so that a node that is some revisions behind gets what
// is new to it and not everything. Bounded: who is further behind gets a full snapshot. Thread: its
// Compiler's.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "dataplane/contract/snapshot.hpp"

namespace headgate::compile {

class DeltaLog {
 public:
  // `start`: the revision at which the snapshot was complete for the first time.
  explicit DeltaLog(contract::Revision start) : start_(start) {}

  // Not of an empty delta: revisions that do not concern the node cost nothing.
  void push(contract::Delta delta);
  // Everything since `base`, up to `now`, as one delta; nothing where the log does not reach back to it.
  std::optional<contract::Delta> since(contract::Revision base, contract::Revision now) const;

 private:
  void forget_oldest();

  contract::Revision start_;  // bases from here on are answered
  std::deque<contract::Delta> deltas_;
  std::size_t object_count_ = 0;
};

}  // namespace headgate::compile
