// SPDX-License-Identifier: Apache-2.0
// TableKeeper: holds what l4 has been told (snapshot, health) and turns it into what the workers read: the
// published L4Table and the TargetMask. A configuration is taken whole or refused whole. Thread: control; the
// workers reach only tables() readers and mask(). Outlives the workers.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/fastpath/worker.hpp"
#include "dataplane/l4/target_mask.hpp"

namespace headgate::fastpath {

class TableKeeper {
 public:
  explicit TableKeeper(std::size_t workers);

  // Applied once applied_revision() says so.
  Result<void> configure(const contract::Delta& delta, TimePoint now);
  void update_health(const contract::HealthDelta& delta);

  contract::Revision revision() const { return snapshot_.revision; }  // the newest that was taken
  // Whether every worker looks at the newest; frees what none can see any more.
  bool settle();

  Tables& tables() { return tables_; }
  const l4::L4Table& current() const { return tables_.current(); }
  const contract::Snapshot& snapshot() const { return snapshot_; }
  const l4::TargetMask& mask() const { return mask_; }

 private:
  void mask_targets(const contract::Snapshot& snapshot);

  contract::Snapshot snapshot_;
  contract::HealthView health_;
  l4::TargetMask mask_;
  Tables tables_;
  uint64_t version_ = 0;
};

}  // namespace headgate::fastpath
