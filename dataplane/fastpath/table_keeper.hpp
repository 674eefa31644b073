// SPDX-License-Identifier: Apache-2.0
// TableKeeper: holds what l4 has been told (snapshot, health) and turns it into what the workers read: the
// published L4Table and RouteTable, the TargetMask and the NextHops. A configuration is taken whole or
// refused whole. Thread: control; the workers reach only what reads() gives them. Outlives the workers.
#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/fastpath/next_hop_keeper.hpp"
#include "dataplane/fastpath/worker.hpp"
#include "dataplane/l4/target_mask.hpp"

namespace headgate::fastpath {

class TableKeeper {
 public:
  TableKeeper(std::size_t workers, NextHopKeeper next_hops);

  // Applied once applied_revision() says so.
  Result<void> configure(const contract::Delta& delta, TimePoint now);
  void update_health(const contract::HealthDelta& delta);
  // Readable: on_network_events(). -1: there are none.
  int network_fd() const { return next_hops_.fd(); }
  void on_network_events(TimePoint now);
  // A worker wants a neighbour: readable is wanted_fd(), and take_wanted() of the worker says which.
  int wanted_fd() const { return wanted_.get(); }
  void want_neighbours(const Workers& workers, TimePoint now);

  contract::Revision revision() const { return snapshot_.revision; }  // the newest that was taken
  // Whether every worker looks at the newest, and its targets have been reached or could not be; frees what
  // none can see any more.
  bool settle(TimePoint now);

  WorkerReads reads(std::size_t worker) {
    return {tables_.reader(worker), routes_.reader(worker), mask_, next_hops_.next_hops(), wanted_.get()};
  }
  const l4::L4Table& current() const { return tables_.current(); }
  const contract::Snapshot& snapshot() const { return snapshot_; }
  const l4::TargetMask& mask() const { return mask_; }
  const l4::NextHops& next_hops() const { return next_hops_.next_hops(); }

 private:
  Result<std::unique_ptr<const l4::L4Table>> build(const contract::Snapshot& snapshot, TimePoint now);
  void publish_routes();
  void mask_targets(const contract::Snapshot& snapshot, const l4::L4Table& table);

  contract::Snapshot snapshot_;
  contract::HealthView health_;
  l4::TargetMask mask_;
  NextHopKeeper next_hops_;
  l4::Surroundings built_by_;
  UniqueFd wanted_;
  RouteTables routes_;
  Tables tables_;
  uint64_t version_ = 0;
};

}  // namespace headgate::fastpath
