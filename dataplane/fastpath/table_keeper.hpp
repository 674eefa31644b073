// SPDX-License-Identifier: Apache-2.0
// TableKeeper: holds what l4 has been told (snapshot, health) and turns it into what the workers read: the
// published L4Table and RouteTable, the TargetMask and the NextHops. A configuration is taken whole or
// refused whole. Thread: control; the workers reach only what reads() gives them. Outlives the workers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/fastpath/next_hop_keeper.hpp"
#include "dataplane/fastpath/target_phases.hpp"
#include "dataplane/fastpath/worker.hpp"
#include "dataplane/l4/target_mask.hpp"

namespace headgate::fastpath {

class TableKeeper {
 public:
  TableKeeper(std::size_t workers, NextHopKeeper next_hops);

  // Applied once settle() says so.
  Result<void> configure(const contract::Delta& delta, TimePoint now);
  void update_health(const contract::HealthDelta& delta, TimePoint now);
  // What changes with time alone: targets that start slowly, drains that are over. Not before next_change().
  void on_time(TimePoint now);
  std::optional<TimePoint> next_change() const { return phases_.next_change(phases_applied_); }
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
  Result<std::unique_ptr<const l4::L4Table>> build(const contract::Snapshot& snapshot, TimePoint now) const;
  void publish(std::unique_ptr<const l4::L4Table> table, TimePoint now);
  void follow(const contract::Snapshot& snapshot, const l4::L4Table& table, TimePoint now);
  TargetPhases::States states_of(const contract::Snapshot& snapshot, const l4::L4Table& table) const;
  void publish_routes();
  void mask_targets(const l4::L4Table& table, TimePoint now);
  using Shares = std::map<uint32_t, double>;  // of new flows, by target id
  void share_out(const l4::Choice& choice, TimePoint now, Shares& shares) const;

  contract::Snapshot snapshot_;
  contract::HealthView health_;
  TargetPhases phases_;
  TimePoint phases_applied_{};  // up to when masks and tables say what they do
  std::set<uint32_t> ended_;    // that the current table was built without
  l4::TargetMask mask_;
  NextHopKeeper next_hops_;
  l4::Surroundings built_by_;
  UniqueFd wanted_;
  RouteTables routes_;
  Tables tables_;
  uint64_t version_ = 0;
};

}  // namespace headgate::fastpath
