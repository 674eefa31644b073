// SPDX-License-Identifier: Apache-2.0
// ConfigurationFeed: what one process has been told, what it holds, and what to tell it next. At most one
// Configure is under way; what comes meanwhile is kept and sent when that one is answered. A delta that has
// nothing for the process is never sent: it is at that revision implicitly. Pure. Thread: any one.
//
// Law (a property test holds it): whatever is refused, lost or late, a process that accepts everything again
// ends with exactly its part of the node's snapshot.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/message.hpp"
#include "dataplane/contract/snapshot.hpp"

namespace headgate::node {

class ConfigurationFeed {
 public:
  ConfigurationFeed(std::string audience, contract::Revision node_revision)
      : audience_(std::move(audience)), node_revision_(node_revision) {}

  // The node's snapshot has moved by `delta` (of all audiences).
  void on_delta(const contract::Delta& delta);
  // A process said Hello: `revision` is what it holds. Anything else than what this feed knows it to hold (a
  // new process, or one from before a restart of the node) is told everything.
  void on_hello(contract::Revision revision);
  void on_acknowledgement(const contract::Acknowledgement& acknowledgement);

  // What to send now; nothing while an answer is awaited or nothing has changed. `snapshot` is the node's.
  std::optional<contract::Configure> next(const contract::Snapshot& snapshot);

  // The connection is gone, maybe with the process: nothing is under way any more.
  void on_lost();

  // The node's revision up to which this process has acknowledged everything that concerns it. A process that
  // dies afterwards takes nothing of it back: its successor is told the same, and its status says the rest.
  contract::Revision applied() const { return up_to_date() ? node_revision_ : applied_; }
  // Why it does not serve a later one; empty where nothing was refused.
  const std::string& refused_reason() const { return refused_reason_; }

 private:
  bool up_to_date() const { return !awaited_ && !full_wanted_ && pending_.empty(); }

  std::string audience_;
  contract::Revision node_revision_;  // the newest that on_delta() told of
  contract::Revision held_ = 0;       // the last acknowledged as applied: the base of what is sent next
  contract::Revision applied_ = 0;    // held_, or later where nothing in between concerned it
  std::optional<contract::Revision> awaited_;
  bool greeted_ = false;
  bool full_wanted_ = true;  // its base is unknown or gone
  bool parked_ = false;      // it refused: silent until something that concerns it changes
  std::vector<contract::Delta>
      pending_;  // filtered, not empty, oldest first; after awaited_, else after held_
  std::string refused_reason_;
};

}  // namespace headgate::node
