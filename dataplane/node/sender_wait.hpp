// SPDX-License-Identifier: Apache-2.0
// SenderWait: how long a process goes on serving what a revision takes from it: until all who send to it (l4,
// the shards that pass requests on to it) have acknowledged that revision and what they sent before has been
// read; kSenderWaitMax at the most, because one of them may never. Pure: time is handed in. Thread: any one.
#pragma once

#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/clock.hpp"

namespace headgate::node {

class SenderWait {
 public:
  SenderWait(contract::Revision revision, TimePoint now);

  // A later revision takes more: the senders must have that one too. Never past the end that is set.
  void prolong(contract::Revision revision);
  // `revision`: what every sender has acknowledged.
  void on_acknowledged(contract::Revision revision, TimePoint now);

  TimePoint over_at() const { return over_at_; }

 private:
  contract::Revision revision_;
  TimePoint over_by_;
  TimePoint over_at_;     // over_by_, or earlier once they have acknowledged
  bool settled_ = false;  // they have; what they sent before is still on its way
};

}  // namespace headgate::node
