// SPDX-License-Identifier: Apache-2.0
// From a changed resource to what must be looked at again: namespace, pool → routes → listeners → shards →
// nodes; certificate, secret → listeners, pools; shard → the routes that are led to it; policy → what it
// stands above.
#include <utility>

#include "dataplane/l7/policy/blocks.hpp"
#include "mgmt/compile/outputs.hpp"

namespace headgate::compile {
namespace {

void add_routes(const Keys& keys, Keys& into) {
  for (const auto& key : keys)
    if (key.kind == db::Kind::kRoute) into.insert(key);
}

db::ObjectKey key_of_shard(const std::string& name) { return {db::Kind::kShard, "", name}; }

std::string uid_of(const Entry* entry) { return entry ? entry->meta.uid : std::string(); }

// Notes what is known of an object, empty where it is gone; false where that was known already.
bool changes(std::map<db::ObjectKey, std::string>& known, const db::ObjectKey& key, const std::string& now) {
  const auto found = known.find(key);
  if (now == (found == known.end() ? std::string() : found->second)) return false;
  if (now.empty())
    known.erase(found);
  else
    known.insert_or_assign(key, now);
  return true;
}

}  // namespace

void Outputs::find_dirty(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  switch (key.kind) {
    case db::Kind::kNode:
      dirty.nodes.insert(key);
      return;
    case db::Kind::kShard:
      return find_dirty_shard(model, key, dirty);
    case db::Kind::kListener:
      return find_dirty_listener(model, key, dirty);
    case db::Kind::kNamespace:
      return find_dirty_namespace(model, key, dirty);
    case db::Kind::kRoute:
      dirty.routes.insert(key);
      return;
    case db::Kind::kPool:
    case db::Kind::kCertificate:
    case db::Kind::kSecret:
      return find_dirty_used(model, key, dirty);
    case db::Kind::kPolicy:
      return find_dirty_policy(model, key, dirty);
  }
}

void Outputs::use(const std::string& shard, const std::vector<db::ObjectKey>& keys, Dirty& dirty) {
  if (keys.empty()) return;
  auto& uses = shards_[shard].uses;
  for (const auto& key : keys)
    if (++uses[key] == 1) dirty.in_shard.emplace(shard, key);
}

void Outputs::end_use(const std::string& shard, const std::vector<db::ObjectKey>& keys, Dirty& dirty) {
  if (keys.empty()) return;
  auto& uses = shards_[shard].uses;
  for (const auto& key : keys)
    if (--uses[key] == 0) {
      uses.erase(key);
      dirty.in_shard.emplace(shard, key);
    }
}

// Who may pass requests on stands in the shard's settings and replica group.
void Outputs::add_peer(const std::string& shard, const std::string& peer, Dirty& dirty) {
  if (++shards_[shard].hop_peers[key_of_shard(peer)] == 1) dirty.shards.insert(shard);
}

void Outputs::remove_peer(const std::string& shard, const std::string& peer, Dirty& dirty) {
  auto& peers = shards_[shard].hop_peers;
  const auto found = peers.find(key_of_shard(peer));
  if (--found->second != 0) return;
  peers.erase(found);
  dirty.shards.insert(shard);
}

void Outputs::find_dirty_shard(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  dirty.shards.insert(key.name);
  // The shards that it passes requests on to know its user.
  for (const auto& [shard, output] : shards_)
    if (output.hop_peers.contains(key)) dirty.shards.insert(shard);
  find_dirty_used(model, key, dirty);
}

// Beside its shard it says who may, not what is served.
void Outputs::find_dirty_namespace(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  const auto* entry = model.find(key);
  const auto owner = entry ? entry->as<Namespace>().shard.value_or("") : "";
  if (changes(owners_, key, owner)) add_routes(model.referrers(key), dirty.routes);
}

void Outputs::find_dirty_listener(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  const auto* entry = model.find(key);
  const auto known = listeners_.find(key);
  const auto before = known == listeners_.end() ? Ending{} : known->second;
  const auto now = entry ? Ending{.uid = entry->meta.uid,
                                  .shard = entry->as<Listener>().shard,
                                  .uses = used_by_listener(model, *entry)}
                         : Ending{};
  end_use(before.shard, before.uses, dirty);
  use(now.shard, now.uses, dirty);
  dirty.pool_listeners.insert(key);
  for (const auto* shard : {&before.shard, &now.shard}) {
    if (shard->empty()) continue;
    dirty.in_shard.emplace(*shard, key);
    dirty.shards.insert(*shard);
  }
  for (const auto& [shard, output] : shards_)
    if (output.uses.contains(key)) dirty.in_shard.emplace(shard, key);
  if (before.uid != now.uid || before.shard != now.shard) add_routes(model.referrers(key), dirty.routes);
  if (entry)
    listeners_.insert_or_assign(key, now);
  else
    listeners_.erase(key);
}

// What it says stands in the policy alone; which blocks it has, first tiers know too.
void Outputs::find_dirty_policy(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  Standing now;
  if (const auto* entry = model.find(key)) {
    const auto& policy = entry->as<Policy>();
    now.uid = entry->meta.uid;
    for (const auto& target : policy.targets) now.targets.push_back(target.object);
    now.blocks = l7::policy::Blocks::of(*policy.filters).list();
  }
  const Standing before = std::exchange(policies_[key], now);
  if (now.uid.empty()) policies_.erase(key);
  find_dirty_used(model, key, dirty);
  if (before == now) return;
  for (const auto& targets : {before.targets, now.targets})
    for (const auto& target : targets) find_dirty_target(model, target, dirty);
}

void Outputs::find_dirty_target(const Model& model, const db::ObjectKey& target, Dirty& dirty) {
  if (target.kind == db::Kind::kRoute) dirty.routes.insert(target);
  if (target.kind == db::Kind::kListener) find_dirty_listener(model, target, dirty);
  if (target.kind == db::Kind::kNamespace) add_routes(model.referrers(target), dirty.routes);
  if (target.kind != db::Kind::kShard) return;
  // The listeners that end there, and by the routes that are led there copies of others.
  for (const auto& user : model.referrers(target)) {
    if (user.kind == db::Kind::kListener) find_dirty_listener(model, user, dirty);
    if (user.kind == db::Kind::kNamespace) add_routes(model.referrers(user), dirty.routes);
  }
  const auto shard = shards_.find(target.name);
  if (shard == shards_.end()) return;
  for (const auto& [key, count] : shard->second.uses)
    if (key.kind == db::Kind::kListener) dirty.in_shard.emplace(target.name, key);
}

void Outputs::find_dirty_used(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  for (const auto& [shard, output] : shards_)
    if (output.uses.contains(key)) dirty.in_shard.emplace(shard, key);
  if (key.kind == db::Kind::kPool) {
    find_dirty_trust(model, key, dirty);
    for (const auto* listener : model.referrers(key, db::Kind::kListener))
      dirty.pool_listeners.insert(listener->key);
  }
  if (!changes(used_uids_, key, uid_of(model.find(key)))) return;
  // Who names it does so by its uid: its routes, listeners and pools, and of a shard the routes that are led
  // to it.
  add_routes(model.referrers(key), dirty.routes);
  for (const auto& user : model.referrers(key)) {
    if (user.kind == db::Kind::kListener) find_dirty_listener(model, user, dirty);
    if (user.kind == db::Kind::kPool) find_dirty_used(model, user, dirty);
    if (user.kind == db::Kind::kNamespace) add_routes(model.referrers(user), dirty.routes);
  }
}

// A route brings what its pools need to where it is served.
void Outputs::find_dirty_trust(const Model& model, const db::ObjectKey& pool, Dirty& dirty) {
  const auto* entry = model.find(pool);
  auto& known = pool_trust_[pool];
  auto now = entry ? trust_of_pool(model, *entry) : std::vector<db::ObjectKey>();
  if (known != now) add_routes(model.referrers(pool), dirty.routes);
  known = std::move(now);
  if (known.empty()) pool_trust_.erase(pool);
}

void Outputs::place_route(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  auto& placement = routes_[key];
  take_away(key, placement, dirty);
  const auto* entry = model.find(key);
  placement = entry ? Placement{places_of_route(model, *entry), used_by_route(model, *entry)} : Placement{};
  put_there(key, placement, dirty);
  if (!entry) routes_.erase(key);
}

void Outputs::put_there(const db::ObjectKey& route, const Placement& placement, Dirty& dirty) {
  const auto& places = placement.places;
  for (const auto& shard : places.serving) {
    dirty.in_shard.emplace(shard, route);
    use(shard, placement.uses, dirty);
    use(shard, places.hop_listeners, dirty);
  }
  for (const auto& shard : places.passing_on) {
    dirty.in_shard.emplace(shard, route);
    use(shard, {key_of_shard(places.serving[0])}, dirty);
    add_peer(places.serving[0], shard, dirty);
  }
}

void Outputs::take_away(const db::ObjectKey& route, const Placement& placement, Dirty& dirty) {
  const auto& places = placement.places;
  for (const auto& shard : places.serving) {
    dirty.in_shard.emplace(shard, route);
    end_use(shard, placement.uses, dirty);
    end_use(shard, places.hop_listeners, dirty);
  }
  for (const auto& shard : places.passing_on) {
    dirty.in_shard.emplace(shard, route);
    end_use(shard, {key_of_shard(places.serving[0])}, dirty);
    remove_peer(places.serving[0], shard, dirty);
  }
}

}  // namespace headgate::compile
