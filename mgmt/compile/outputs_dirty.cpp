// SPDX-License-Identifier: Apache-2.0
// From a changed resource to what must be looked at again: pool → routes → listeners → shards →
// nodes; certificate, secret → listeners.
#include "mgmt/compile/outputs.hpp"

namespace headgate::compile {
namespace {

void add_routes(const Keys& keys, Keys& into) {
  for (const auto& key : keys)
    if (key.kind == db::Kind::kRoute) into.insert(key);
}

}  // namespace

void Outputs::find_dirty(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  switch (key.kind) {
    case db::Kind::kNode:
      dirty.nodes.insert(key);
      return;
    case db::Kind::kShard:
      dirty.shards.insert(key.name);
      return;
    case db::Kind::kListener:
      return find_dirty_listener(model, key, dirty);
    case db::Kind::kNamespace:
      return;  // says who may, not what is served
    case db::Kind::kRoute:
      dirty.routes.insert(key);
      return;
    case db::Kind::kPool:
    case db::Kind::kCertificate:
    case db::Kind::kSecret:
      return find_dirty_used(model, key, dirty);
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

void Outputs::find_dirty_listener(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  const auto* entry = model.find(key);
  const auto known = listeners_.find(key);
  const auto before = known == listeners_.end() ? Ending{} : known->second;
  const auto now = entry ? Ending{.uid = entry->meta.uid,
                                  .shard = entry->as<Listener>().shard,
                                  .trust = trust_of_listener(model, *entry)}
                         : Ending{};
  end_use(before.shard, before.trust, dirty);
  use(now.shard, now.trust, dirty);
  for (const auto* shard : {&before.shard, &now.shard}) {
    if (shard->empty()) continue;
    dirty.in_shard.emplace(*shard, key);
    dirty.shards.insert(*shard);
  }
  if (before.uid != now.uid || before.shard != now.shard) add_routes(model.referrers(key), dirty.routes);
  if (entry)
    listeners_.insert_or_assign(key, now);
  else
    listeners_.erase(key);
}

void Outputs::find_dirty_used(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  for (const auto& [shard, output] : shards_)
    if (output.uses.contains(key)) dirty.in_shard.emplace(shard, key);
  const auto* entry = model.find(key);
  const auto known = used_uids_.find(key);
  const auto before = known == used_uids_.end() ? std::string() : known->second;
  const auto now = entry ? entry->meta.uid : std::string();
  if (before == now) return;
  // Who names it does so by its uid.
  add_routes(model.referrers(key), dirty.routes);
  for (const auto& user : model.referrers(key))
    if (user.kind == db::Kind::kListener) find_dirty_listener(model, user, dirty);
  if (entry)
    used_uids_.insert_or_assign(key, now);
  else
    used_uids_.erase(key);
}

void Outputs::place_route(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  auto& placement = routes_[key];
  for (const auto& shard : placement.shards) {
    dirty.in_shard.emplace(shard, key);
    end_use(shard, placement.pools, dirty);
  }
  const auto* entry = model.find(key);
  placement =
      entry ? Placement{.shards = shards_of_route(model, *entry), .pools = pools_of_route(model, *entry)}
            : Placement{};
  for (const auto& shard : placement.shards) {
    dirty.in_shard.emplace(shard, key);
    use(shard, placement.pools, dirty);
  }
  if (!entry) routes_.erase(key);
}

}  // namespace headgate::compile
