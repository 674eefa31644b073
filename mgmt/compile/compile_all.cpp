// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/compile_all.hpp"

#include <algorithm>
#include <set>

namespace headgate::compile {
namespace {

// Who passes requests on to a shard, from all routes.
std::set<std::string> hop_peers_of(const Model& model, const std::string& shard) {
  std::set<std::string> peers;
  for (const auto* route : model.all(db::Kind::kRoute)) {
    const auto places = places_of_route(model, *route);
    if (!places.passing_on.empty() && places.serving[0] == shard)
      peers.insert(places.passing_on.begin(), places.passing_on.end());
  }
  return peers;
}

// All that the replicas of a shard must know, whatever node they are on.
Objects compile_shard(const Model& model, const Entry& shard, const HopPeers& hop_peers) {
  const auto& name = shard.key.name;
  Objects objects;
  const auto add = [&](contract::Kind kind, const Entry& entry, contract::Object object) {
    objects[key_in_shard(name, kind, entry)] = std::make_shared<const contract::Object>(std::move(object));
  };
  const auto add_used = [&](const std::vector<db::ObjectKey>& keys) {
    for (const auto& key : keys)
      add(kind_of_used(key.kind), *model.find(key), build_used(model, *model.find(key)));
  };
  const auto among = [&](const std::vector<std::string>& shards) {
    return std::find(shards.begin(), shards.end(), name) != shards.end();
  };
  add(contract::Kind::kShardSettings, shard, build_shard_settings(model, shard, hop_peers));
  for (const auto* listener : model.all(db::Kind::kListener))
    if (listener->as<Listener>().shard == name) {
      add(contract::Kind::kListener, *listener, build_listener(model, *listener, name));
      add_used(used_by_listener(model, *listener));
    }
  for (const auto* route : model.all(db::Kind::kRoute)) {
    const auto places = places_of_route(model, *route);
    if (among(places.passing_on)) {
      add(contract::Kind::kRoute, *route, build_route(model, *route, name));
      if (const auto* to_shard = model.find(db::Kind::kShard, places.serving[0]))
        objects[key_of_hop_pool(name, *to_shard)] =
            std::make_shared<const contract::Object>(build_hop_pool(*to_shard));
    }
    if (!among(places.serving)) continue;
    add(contract::Kind::kRoute, *route, build_route(model, *route, name));
    for (const auto& key : places.hop_listeners)
      add(contract::Kind::kListener, *model.find(key), build_listener(model, *model.find(key), name));
    add_used(used_by_route(model, *route));
  }
  return objects;
}

}  // namespace

std::map<std::string, contract::Snapshot> compile_all(const Model& model, const Numbers& numbers,
                                                      contract::Revision revision) {
  std::map<std::string, contract::Snapshot> snapshots;
  for (const auto* node : model.all(db::Kind::kNode)) {
    auto& snapshot = snapshots[node->key.name];
    snapshot.revision = revision;
    snapshot.objects[key_of_node_settings(*node)] =
        std::make_shared<const contract::Object>(build_node_settings(*node));
  }
  Objects forwarded;
  for (const auto* listener : model.all(db::Kind::kListener))
    if (listener->as<Listener>().pool) forwarded.merge(build_pool_listener(model, *listener, numbers));
  for (const auto& name : model.ingress_nodes())
    snapshots[name].objects.insert(forwarded.begin(), forwarded.end());
  for (const auto* shard : model.all(db::Kind::kShard)) {
    const auto peers = build_hop_peers(model, numbers, hop_peers_of(model, shard->key.name));
    const auto objects = compile_shard(model, *shard, peers);
    for (const auto& name : model.nodes_of_shard(shard->key.name)) {
      auto& into = snapshots[name].objects;
      into.insert(objects.begin(), objects.end());
      into.merge(build_shard_on_node(model, *shard, *model.find(db::Kind::kNode, name), numbers, peers));
    }
  }
  return snapshots;
}

}  // namespace headgate::compile
