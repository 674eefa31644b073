// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/tables.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace headgate::l7 {

EndpointChoice ThreadState::choose(const Tables& tables, const PoolIdentity& identity,
                                   const TriedEndpoints& tried, const BalanceInput& input) const {
  const ServingPool* pool = tables.pools.find(identity);
  if (!pool) return {Outcome::kUnresolvedForward, nullptr};
  return choose_endpoint(*pool, tried, {pools, endpoints}, input);
}

Ejection ThreadState::report(const Tables& tables, const PoolEndpoint& endpoint, TryResult result,
                             TimePoint now) const {
  const ServingPool* pool = tables.pools.find(*endpoint.pool);
  return pool ? report_try(*pool, endpoint, result, {pools, endpoints}, now) : Ejection::kNone;
}

TableBuilder::TableBuilder(std::size_t thread_count)
    : pool_keeper_(thread_count),
      endpoint_keeper_(thread_count),
      plan_keeper_(thread_count),
      list_keeper_(thread_count) {
  current_.settings = std::make_shared<contract::ShardSettings>();
}

ThreadState TableBuilder::thread_state(std::size_t thread) {
  return {plan_keeper_.row(thread), list_keeper_.row(thread), pool_keeper_.row(thread),
          endpoint_keeper_.row(thread)};
}

std::unique_ptr<const Tables> TableBuilder::tables() const {
  return std::make_unique<const Tables>(current_);
}

Ejections TableBuilder::ejections(const PoolEndpoint& endpoint, TimePoint now) const {
  Ejections found;
  for (std::size_t thread = 0; thread < endpoint_keeper_.thread_count(); ++thread) {
    const auto& cell = endpoint_keeper_.row(thread).cell(endpoint.slot);
    const TimePoint until = cell.passed_over_until.load(std::memory_order_relaxed);
    if (until <= now) continue;
    ++found.threads;
    found.longest = std::max(found.longest, until - now);
  }
  return found;
}

std::unique_ptr<const Tables> TableBuilder::apply(const contract::Delta& delta, TimePoint now) {
  std::set<std::string, std::less<>> changed_pools;
  if (delta.base == 0) {
    for (const auto& [uid, pool] : pools_) changed_pools.insert(uid);
    pools_.clear();
    current_.settings = std::make_shared<contract::ShardSettings>();
  }
  for (const auto& key : delta.removals) {
    if (key.kind != contract::Kind::kPool) continue;
    pools_.erase(key.id);
    changed_pools.insert(key.id);
  }
  for (const auto& [key, object] : delta.upserts) {
    if (const auto* settings = std::get_if<contract::ShardSettings>(object.get()))
      current_.settings = {object, settings};
    const auto* pool = std::get_if<contract::Pool>(object.get());
    if (!pool) continue;
    pools_.insert_or_assign(pool->uid, std::shared_ptr<const contract::Pool>(object, pool));
    changed_pools.insert(pool->uid);
  }
  rebuild_pools(changed_pools, now);
  change_policies(delta);
  const auto policy_of = [this](const std::string& uid) {
    const auto known = policies_.find(uid);
    return known == policies_.end() ? policy::stand_unknown(uid) : known->second;
  };
  const PlanMaker maker{
      plan_keeper_, list_keeper_, [this](std::string_view uid) { return pool_identity(uid); },
      policy_of,    expressions_, places_};
  current_.router = current_.router.with(delta, maker);
  current_.revision = delta.revision;
  return tables();
}

std::unique_ptr<const Tables> TableBuilder::apply(const contract::HealthDelta& delta, TimePoint now) {
  std::set<std::string, std::less<>> changed_pools;
  if (delta.full)
    for (const auto& [key, member] : health_) changed_pools.insert(key.group);
  for (const auto& key : delta.removals) changed_pools.insert(key.group);
  for (const auto& member : delta.upserts) changed_pools.insert(member.key.group);
  contract::apply_health(health_, delta);
  rebuild_pools(changed_pools, now);
  return tables();
}

std::size_t TableBuilder::reclaim() {
  // Plans and endpoints name pools, so pools come last.
  const std::size_t waiting = plan_keeper_.reclaim() + list_keeper_.reclaim() + endpoint_keeper_.reclaim();
  const std::size_t pools_waiting = pool_keeper_.reclaim();
  if (pool_identities_.size() > 2 * pools_.size() + 64)
    std::erase_if(pool_identities_, [](const auto& entry) { return entry.second.expired(); });
  return waiting + pools_waiting;
}

PoolIdentityPtr TableBuilder::pool_identity(std::string_view uid) {
  if (const auto known = pool_identities_.find(uid); known != pool_identities_.end())
    if (auto identity = known->second.lock()) return identity;
  auto identity = pool_keeper_.keep({std::string(uid), 0});
  pool_identities_.insert_or_assign(std::string(uid), identity);
  return identity;
}

void TableBuilder::change_policies(const contract::Delta& delta) {
  // Also where a delta says everything anew: what rate limiters have counted stays.
  decltype(policies_) forgotten;
  if (delta.base == 0) std::swap(forgotten, policies_);
  const auto& before = delta.base == 0 ? forgotten : policies_;
  for (const auto& key : delta.removals)
    if (key.kind == contract::Kind::kPolicy) policies_.erase(key.id);
  for (const auto& [key, object] : delta.upserts) {
    const auto* policy = std::get_if<contract::Policy>(object.get());
    if (!policy) continue;
    const auto known = before.find(policy->uid);
    policies_.insert_or_assign(policy->uid,
                               policy::stand(*policy, known == before.end() ? nullptr : known->second.get()));
  }
}

void TableBuilder::rebuild_pools(const std::set<std::string, std::less<>>& uids, TimePoint now) {
  std::vector<PoolTable::Change> changes;
  std::vector<PoolIdentityPtr> held;  // a pool that goes keeps its number until the table is changed
  for (const auto& uid : uids) {
    const auto known = pool_identities_.find(uid);
    const auto pool = pools_.find(uid);
    if (pool == pools_.end()) {
      if (known == pool_identities_.end()) continue;
      if (auto identity = known->second.lock()) {
        changes.push_back({identity->slot, nullptr});
        held.push_back(std::move(identity));
      }
      continue;
    }
    const auto identity = pool_identity(uid);
    changes.push_back({identity->slot, compile_pool(pool->second, identity, health_,
                                                    current_.pools.find(*identity), endpoint_keeper_, now)});
  }
  if (!changes.empty()) current_.pools = current_.pools.with(changes);
}

}  // namespace headgate::l7
