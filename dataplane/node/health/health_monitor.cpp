// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/health_monitor.hpp"

#include <utility>

#include <fmt/format.h>

#include "dataplane/core/log.hpp"

namespace headgate::node {
namespace {

using contract::Backend;
using contract::Pool;

// As the shards ask for it (l7::PoolEndpoint::tls_name).
std::string tls_name_of(const Pool& pool, const std::string& host) {
  return pool.tls && !pool.tls->server_name.empty() ? pool.tls->server_name : host;
}

const Pool& pool_of(const contract::ObjectPtr& object) { return std::get<Pool>(*object); }

}  // namespace

HealthMonitor::HealthMonitor(EventLoop& loop, std::function<void()> on_change)
    : on_change_(std::move(on_change)),
      prober_(loop, [this](const ProbeKey& key, const ProbeResult& result) { on_result(key, result); }),
      resolver_(loop, [this](const Resolved& resolved) { on_resolved(resolved); }) {}

void HealthMonitor::on_delta(const contract::Delta& delta) {
  std::set<contract::ObjectKey> gone;  // of a full snapshot: what it does not name
  if (delta.base == 0)
    for (const auto& [key, uid] : uids_) gone.insert(key);
  for (const auto& key : delta.removals) gone.insert(key);
  for (const auto& [key, object] : delta.upserts) {
    if (key.kind != contract::Kind::kPool) continue;
    gone.erase(key);
    const auto& uid = pool_of(object).uid;
    if (const auto known = uids_.find(key); known != uids_.end() && known->second != uid) remove(key);
    uids_[key] = uid;
    auto& pool = pools_[uid];
    pool.audiences.insert(key.audience);
    const bool same = pool.object != nullptr && *pool.object == *object;
    pool.object = object;
    if (!same) update(pool);
  }
  for (const auto& key : gone) remove(key);
}

void HealthMonitor::remove(const contract::ObjectKey& key) {
  const auto known = uids_.find(key);
  if (known == uids_.end()) return;
  const std::string uid = known->second;
  uids_.erase(known);
  auto& pool = pools_.at(uid);
  pool.audiences.erase(key.audience);
  if (!pool.audiences.empty()) return;
  for (const auto& [name, member] : pool.members) forget_member(uid, name, member);
  pools_.erase(uid);
}

// A backend that stays keeps its state: a changed weight, or a changed check, proves nothing.
void HealthMonitor::update(WatchedPool& watched) {
  const Pool& pool = pool_of(watched.object);
  auto before = std::exchange(watched.members, {});
  for (const Backend& backend : pool.backends) {
    const auto literal = IpAddress::parse(backend.host);
    if (!pool.health && literal) continue;
    const auto name = contract::health_member(backend.host, backend.port);
    if (watched.members.contains(name)) continue;
    auto known = before.extract(name);
    auto& member = watched.members[name];
    if (!known.empty()) {
      member = std::move(known.mapped());
    } else {
      member = {.host = backend.host, .port = backend.port, .is_name = !literal, .endpoints = {}};
      if (member.is_name && ++name_uses_[backend.host] == 1) resolver_.want(backend.host);
    }
    set_addresses(pool, name, member, literal ? std::vector{*literal} : last_answers_[backend.host]);
  }
  for (const auto& [name, member] : before) forget_member(pool.uid, name, member);
}

void HealthMonitor::set_addresses(const Pool& pool, const std::string& name, WatchedMember& member,
                                  const std::vector<IpAddress>& addresses) {
  auto before = std::exchange(member.endpoints, {});
  for (const auto& address : addresses) {
    const Endpoint endpoint{address, member.port};
    auto known = before.extract(endpoint);
    member.endpoints[endpoint] = known.empty() ? WatchedEndpoint{} : std::move(known.mapped());
    const ProbeKey key{pool.uid, name, endpoint};
    if (pool.health)
      prober_.want(key, *pool.health, tls_name_of(pool, member.host), pool.proxy_protocol);
    else
      prober_.forget(key);
    // Without a check nothing could ever prove it up again.
    if (!pool.health) member.endpoints[endpoint] = {};
  }
  for (const auto& [endpoint, state] : before) prober_.forget({pool.uid, name, endpoint});
}

void HealthMonitor::forget_member(const std::string& pool_uid, const std::string& name,
                                  const WatchedMember& member) {
  for (const auto& [endpoint, state] : member.endpoints) prober_.forget({pool_uid, name, endpoint});
  if (!member.is_name || --name_uses_.at(member.host) != 0) return;
  name_uses_.erase(member.host);
  last_answers_.erase(member.host);
  resolver_.forget(member.host);
}

void HealthMonitor::on_result(const ProbeKey& key, const ProbeResult& result) {
  const auto pool = pools_.find(key.pool);
  if (pool == pools_.end()) return;
  const auto member = pool->second.members.find(key.member);
  if (member == pool->second.members.end()) return;
  const auto endpoint = member->second.endpoints.find(key.endpoint);
  const auto& check = pool_of(pool->second.object).health;
  if (endpoint == member->second.endpoints.end() || !check) return;
  auto& watched = endpoint->second;
  const bool before = watched.state.usable;
  watched.state = after_probe(watched.state, result.good, {check->rise, check->fall});
  if (watched.state.usable == before) return;
  watched.reason = result.reason;
  const auto& object = pool_of(pool->second.object);
  log::info(fmt::format("pool {}/{}: {} ({}) is {}{}{}", object.namespace_name, object.name, key.member,
                        key.endpoint.to_string(), before ? "down" : "up again", before ? ": " : "",
                        result.reason));
  on_change_();
}

void HealthMonitor::on_resolved(const Resolved& resolved) {
  auto& last = last_answers_[resolved.name];
  if (resolved.addresses.empty()) {
    log::debug(fmt::format("{} is not resolved, {}: {}", resolved.name,
                           last.empty() ? "and never was" : "its last addresses stay", resolved.failure));
    return;
  }
  if (last == resolved.addresses) return;
  last = resolved.addresses;
  for (auto& [uid, pool] : pools_)
    for (auto& [name, member] : pool.members)
      if (member.is_name && member.host == resolved.name)
        set_addresses(pool_of(pool.object), name, member, last);
  on_change_();
}

contract::MemberHealth HealthMonitor::health_of(const std::string& pool_uid, const std::string& name,
                                                const WatchedMember& member) {
  contract::MemberHealth health{{pool_uid, name}, {}};
  for (const auto& [endpoint, watched] : member.endpoints)
    health.endpoints.push_back({endpoint, watched.state.usable, watched.reason});
  return health;
}

contract::HealthView HealthMonitor::view_of(const std::string& audience) const {
  contract::HealthView view;
  for (const auto& [uid, pool] : pools_) {
    if (!pool.audiences.contains(audience)) continue;
    for (const auto& [name, member] : pool.members)
      view.emplace(contract::HealthKey{uid, name}, health_of(uid, name, member));
  }
  return view;
}

std::vector<contract::MemberHealth> HealthMonitor::report() const {
  std::vector<contract::MemberHealth> all;
  for (const auto& [uid, pool] : pools_)
    for (const auto& [name, member] : pool.members) all.push_back(health_of(uid, name, member));
  return all;
}

}  // namespace headgate::node
