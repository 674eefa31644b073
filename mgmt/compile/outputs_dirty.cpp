// SPDX-License-Identifier: Apache-2.0
// From a changed resource to what must be looked at again: pool → routes → listeners → shards → nodes.
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
      return find_dirty_pool(model, key, dirty);
  }
}

void Outputs::find_dirty_listener(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  const auto* entry = model.find(key);
  const auto known = listeners_.find(key);
  const auto before = known == listeners_.end() ? Ending{} : known->second;
  const auto now = entry ? Ending{.uid = entry->meta.uid, .shard = entry->as<Listener>().shard} : Ending{};
  for (const auto* shard : {&before.shard, &now.shard}) {
    if (shard->empty()) continue;
    dirty.in_shard.emplace(*shard, key);
    dirty.shards.insert(*shard);
  }
  if (before != now) add_routes(model.referrers(key), dirty.routes);
  if (entry)
    listeners_.insert_or_assign(key, now);
  else
    listeners_.erase(key);
}

void Outputs::find_dirty_pool(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  for (const auto& [shard, output] : shards_)
    if (output.pool_uses.contains(key)) dirty.in_shard.emplace(shard, key);
  const auto* entry = model.find(key);
  const auto known = pool_uids_.find(key);
  const auto before = known == pool_uids_.end() ? std::string() : known->second;
  const auto now = entry ? entry->meta.uid : std::string();
  if (before == now) return;
  add_routes(model.referrers(key), dirty.routes);  // they name it by its uid
  if (entry)
    pool_uids_.insert_or_assign(key, now);
  else
    pool_uids_.erase(key);
}

void Outputs::place_route(const Model& model, const db::ObjectKey& key, Dirty& dirty) {
  auto& placement = routes_[key];
  for (const auto& shard : placement.shards) {
    auto& uses = shards_[shard].pool_uses;
    dirty.in_shard.emplace(shard, key);
    for (const auto& pool : placement.pools)
      if (--uses[pool] == 0) {
        uses.erase(pool);
        dirty.in_shard.emplace(shard, pool);
      }
  }
  const auto* entry = model.find(key);
  placement =
      entry ? Placement{.shards = shards_of_route(model, *entry), .pools = pools_of_route(model, *entry)}
            : Placement{};
  for (const auto& shard : placement.shards) {
    auto& uses = shards_[shard].pool_uses;
    dirty.in_shard.emplace(shard, key);
    for (const auto& pool : placement.pools)
      if (++uses[pool] == 1) dirty.in_shard.emplace(shard, pool);
  }
  if (!entry) routes_.erase(key);
}

}  // namespace headgate::compile
