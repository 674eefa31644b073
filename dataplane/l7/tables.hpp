// SPDX-License-Identifier: Apache-2.0
// Tables: all that a shard's threads decide by, at a revision and a state of health; published as one.
// TableBuilder: makes the next Tables from a delta or from news of health, at a cost that follows the change;
// owns what tables share and what threads count in. Threads: TableBuilder the control thread, but for
// thread_state(), each of which is then one worker's; Tables const, any thread.
//
// The TableBuilder outlives every Tables and every pin. The control thread's turn: publish what apply()
// returned; after Publisher::reclaim(), call reclaim().
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/snapshot.hpp"
#include "dataplane/l7/balance.hpp"
#include "dataplane/l7/pool_table.hpp"
#include "dataplane/l7/router.hpp"

namespace headgate::l7 {

struct Tables {
  contract::Revision revision = 0;
  Router router;
  PoolTable pools;
  std::shared_ptr<const contract::ShardSettings> settings;  // never null
};

// What one worker pins and counts in.
struct ThreadState {
  PinRow& plans;
  PinRow& lists;
  PoolRow& pools;
  EndpointRow& endpoints;

  RoutePlanPin pin(const RoutePlan& plan) const { return {plan, plans}; }
  PolicyListPin pin(const policy::PolicyList& list) const { return {list, lists}; }
  PoolEndpointPin pin(const PoolEndpoint& endpoint) const { return {endpoint, endpoints}; }
  OutstandingRequest outstanding(const PoolEndpoint& endpoint) const { return {endpoint, endpoints}; }
  ForwardChoice choose(const RoutePlan& plan) const { return choose_forward(plan, plans); }
  // Of the pool that `choose(plan)` gave, as the newest tables have it.
  EndpointChoice choose(const Tables& tables, const PoolIdentity& identity, const TriedEndpoints& tried,
                        const BalanceInput& input = {}) const;
  // What a try showed of its endpoint, by the newest rules of its pool.
  Ejection report(const Tables& tables, const PoolEndpoint& endpoint, TryResult result, TimePoint now) const;
};

// Who passes an endpoint over, because of what its own tries showed.
struct Ejections {
  uint32_t threads = 0;
  Duration longest{};  // from now on, by any of them
};

class TableBuilder {
 public:
  explicit TableBuilder(std::size_t thread_count);
  TableBuilder(const TableBuilder&) = delete;
  TableBuilder& operator=(const TableBuilder&) = delete;

  std::size_t threads() const { return pool_keeper_.thread_count(); }
  ThreadState thread_state(std::size_t thread);

  // `delta` is of this shard's audience and follows on what was applied before (contract::apply checks that).
  // What becomes usable by it is usable since `now`.
  [[nodiscard]] std::unique_ptr<const Tables> apply(const contract::Delta& delta, TimePoint now = {});
  [[nodiscard]] std::unique_ptr<const Tables> apply(const contract::HealthDelta& delta, TimePoint now = {});
  // The tables as they are; how a publisher gets its first.
  [[nodiscard]] std::unique_ptr<const Tables> tables() const;
  // Of one in tables(), by all threads.
  Ejections ejections(const PoolEndpoint& endpoint, TimePoint now) const;

  // Frees what no table holds and no thread pins; returns how many objects wait for threads.
  std::size_t reclaim();

 private:
  PoolIdentityPtr pool_identity(std::string_view uid);
  void change_policies(const contract::Delta& delta);
  void rebuild_pools(const std::set<std::string, std::less<>>& uids, TimePoint now);

  // In this order: the tables let go of their objects before the keepers end.
  Keeper<PoolIdentity> pool_keeper_;
  Keeper<PoolEndpoint> endpoint_keeper_;
  Keeper<RoutePlan> plan_keeper_;
  Keeper<policy::PolicyList> list_keeper_;
  std::map<std::string, std::weak_ptr<const PoolIdentity>, std::less<>> pool_identities_;
  std::map<std::string, std::shared_ptr<const contract::Pool>, std::less<>> pools_;
  std::map<std::string, policy::StandingPolicyPtr, std::less<>> policies_;  // by uid
  Expressions expressions_;
  Interned<RoutePlace> places_;
  contract::HealthView health_;
  Tables current_;
};

}  // namespace headgate::l7
