// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/sender_wait.hpp"

#include <algorithm>

#include "dataplane/core/limits.hpp"

namespace headgate::node {

SenderWait::SenderWait(contract::Revision revision, TimePoint now)
    : revision_(revision), over_by_(now + limits::kSenderWaitMax), over_at_(over_by_) {}

void SenderWait::prolong(contract::Revision revision) {
  revision_ = std::max(revision_, revision);
  over_at_ = over_by_;
  settled_ = false;
}

void SenderWait::on_acknowledged(contract::Revision revision, TimePoint now) {
  if (settled_ || revision < revision_) return;
  settled_ = true;
  over_at_ = std::min<TimePoint>(over_by_, now + limits::kSenderSettleTime);
}

}  // namespace headgate::node
