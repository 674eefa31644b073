// SPDX-License-Identifier: Apache-2.0
// Applying what is dirty. What becomes dirty is found in outputs_dirty.cpp.
#include "mgmt/compile/outputs.hpp"

#include <algorithm>
#include <utility>

namespace headgate::compile {
namespace {

bool same(const contract::ObjectPtr& a, const contract::ObjectPtr& b) {
  return a == b || (a && b && *a == *b);
}

contract::ObjectPtr find_object(const Objects& objects, const contract::ObjectKey& key) {
  const auto found = objects.find(key);
  return found == objects.end() ? nullptr : found->second;
}

// False where nothing differs.
bool set_object(Objects& objects, const contract::ObjectKey& key, const contract::ObjectPtr& object) {
  if (same(find_object(objects, key), object)) return false;
  if (object)
    objects.insert_or_assign(key, object);
  else
    objects.erase(key);
  return true;
}

bool among(const std::vector<std::string>& shards, const std::string& shard) {
  return std::find(shards.begin(), shards.end(), shard) != shards.end();
}

contract::Kind kind_in_shard(db::Kind kind) {
  if (kind == db::Kind::kListener) return contract::Kind::kListener;
  return kind == db::Kind::kRoute ? contract::Kind::kRoute : kind_of_used(kind);
}

// A shard is, in itself, its settings, and in another the hop to it.
contract::ObjectKey compiled_key(const std::string& shard, const Entry& entry) {
  if (entry.key.kind != db::Kind::kShard) return key_in_shard(shard, kind_in_shard(entry.key.kind), entry);
  return entry.key.name == shard ? key_in_shard(shard, contract::Kind::kShardSettings, entry)
                                 : key_of_hop_pool(shard, entry);
}

}  // namespace

std::vector<std::string> Outputs::update(const Model& model, const Numbers& numbers, const Keys& changed,
                                         contract::Revision revision) {
  Dirty dirty;
  for (const auto& key : changed) find_dirty(model, key, dirty);
  for (const auto& key : dirty.routes) place_route(model, key, dirty);
  for (const auto& key : dirty.pool_listeners) refresh_pool_listener(model, numbers, key);
  for (const auto& key : dirty.nodes) refresh_node(model, key, revision, dirty);
  for (const auto& node : ingress_.nodes)
    for (const auto& [key, object] : ingress_.edits) edit_node(node, key, object);
  ingress_.edits.clear();
  for (const auto& [shard, key] : dirty.in_shard) refresh_in_shard(model, numbers, shard, key);
  for (const auto& shard : dirty.shards) refresh_shard(model, numbers, shard);
  std::set<std::string> edited = dirty.shards;
  for (const auto& [shard, key] : dirty.in_shard) edited.insert(shard);
  for (const auto& name : edited) {
    auto& output = shards_[name];
    for (const auto& [node, objects] : output.on_node)
      for (const auto& [key, object] : output.edits) edit_node(node, key, object);
    output.edits.clear();
    if (output.objects.empty() && output.on_node.empty()) shards_.erase(name);
  }
  return finish(revision);
}

void Outputs::refresh_node(const Model& model, const db::ObjectKey& key, contract::Revision revision,
                           Dirty& dirty) {
  for (const auto& [shard, output] : shards_)
    if (output.on_node.contains(key.name)) dirty.shards.insert(shard);
  const auto* entry = model.find(key);
  if (!entry) {
    nodes_.erase(key.name);
    ingress_.nodes.erase(key.name);
    return;
  }
  for (const auto& shard : model.shards_of_node(key.name)) dirty.shards.insert(shard);
  nodes_.try_emplace(key.name,
                     NodeOutput{.snapshot = {}, .log = DeltaLog(revision), .edits = {}, .is_new = true});
  edit_node(key.name, key_of_node_settings(*entry), frozen(build_node_settings(*entry)));
  refresh_ingress_node(key.name, entry->as<Node>().ingress);
}

bool Outputs::is_wanted(const std::string& shard, const ShardOutput& output, const Entry& entry) const {
  if (output.uses.contains(entry.key)) return true;
  if (entry.key.kind == db::Kind::kShard) return entry.key.name == shard;
  if (entry.key.kind == db::Kind::kListener) return entry.as<Listener>().shard == shard;
  if (entry.key.kind != db::Kind::kRoute) return false;
  const auto& places = routes_.at(entry.key).places;
  return among(places.serving, shard) || among(places.passing_on, shard);
}

contract::Object Outputs::build_in_shard(const Model& model, const Numbers& numbers, const std::string& shard,
                                         const Entry& entry) const {
  if (entry.key.kind == db::Kind::kListener) return build_listener(model, entry, shard);
  if (entry.key.kind == db::Kind::kRoute) return build_route(model, entry, shard);
  if (entry.key.kind != db::Kind::kShard) return build_used(model, entry);
  return entry.key.name == shard ? build_shard_settings(model, entry, hop_peers(model, numbers, shard))
                                 : build_hop_pool(entry);
}

HopPeers Outputs::hop_peers(const Model& model, const Numbers& numbers, const std::string& shard) const {
  std::set<std::string> names;
  for (const auto& [peer, routes] : shards_.at(shard).hop_peers) names.insert(peer.name);
  return build_hop_peers(model, numbers, names);
}

void Outputs::refresh_in_shard(const Model& model, const Numbers& numbers, const std::string& shard,
                               const db::ObjectKey& key) {
  auto& output = shards_[shard];
  const auto* entry = model.find(key);
  const bool wanted = entry && is_wanted(shard, output, *entry);
  const auto edit = [&](const contract::ObjectKey& compiled, const contract::ObjectPtr& object) {
    if (set_object(output.objects, compiled, object)) output.edits[compiled] = object;
  };
  const auto before = output.compiled.find(key);
  const auto now = wanted ? std::optional(compiled_key(shard, *entry)) : std::nullopt;
  if (before != output.compiled.end() && before->second != now) {
    edit(before->second, nullptr);
    output.compiled.erase(before);
  }
  if (!now) return;
  edit(*now, frozen(build_in_shard(model, numbers, shard, *entry)));
  output.compiled.insert_or_assign(key, *now);
}

void Outputs::refresh_shard(const Model& model, const Numbers& numbers, const std::string& name) {
  refresh_in_shard(model, numbers, name, {db::Kind::kShard, "", name});
  auto& output = shards_[name];
  const auto nodes = model.nodes_of_shard(name);
  std::vector<std::string> left;
  for (const auto& [node, objects] : output.on_node)
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) left.push_back(node);
  for (const auto& node : left) take_off_node(node, output);
  const auto* shard = model.find(db::Kind::kShard, name);
  const auto peers = hop_peers(model, numbers, name);
  for (const auto& node : nodes)
    put_on_node(node, output,
                build_shard_on_node(model, *shard, *model.find(db::Kind::kNode, node), numbers, peers));
}

void Outputs::refresh_pool_listener(const Model& model, const Numbers& numbers, const db::ObjectKey& key) {
  auto& known = ingress_.of_listener[key];
  const auto before = std::exchange(known, {});
  const auto* entry = model.find(key);
  if (entry && entry->as<Listener>().pool) known = build_pool_listener(model, *entry, numbers);
  for (const auto& [compiled, object] : known) {
    ++ingress_.uses[compiled];
    ingress_.edits[compiled] = ingress_.objects[compiled] = object;
  }
  for (const auto& [compiled, object] : before) {
    if (--ingress_.uses.at(compiled) != 0) continue;
    ingress_.uses.erase(compiled);
    ingress_.objects.erase(compiled);
    ingress_.edits[compiled] = nullptr;
  }
  if (known.empty()) ingress_.of_listener.erase(key);
}

void Outputs::refresh_ingress_node(const std::string& node, bool is_ingress) {
  const bool changed = is_ingress ? ingress_.nodes.insert(node).second : ingress_.nodes.erase(node) != 0;
  if (!changed) return;
  for (const auto& [compiled, object] : ingress_.objects)
    edit_node(node, compiled, is_ingress ? object : nullptr);
  for (const auto& [compiled, object] : ingress_.edits)
    edit_node(node, compiled, is_ingress ? object : nullptr);  // what has just gone from them, too
}

void Outputs::put_on_node(const std::string& node, ShardOutput& output, Objects wanted) {
  const auto [place, is_new] = output.on_node.try_emplace(node);
  if (is_new)
    for (const auto& [key, object] : output.objects) edit_node(node, key, object);
  for (const auto& [key, object] : place->second)
    if (!wanted.contains(key)) edit_node(node, key, nullptr);
  for (const auto& [key, object] : wanted) edit_node(node, key, object);
  place->second = std::move(wanted);
}

void Outputs::take_off_node(const std::string& node, ShardOutput& output) {
  for (const auto& [key, object] : output.on_node.at(node)) edit_node(node, key, nullptr);
  for (const auto& [key, object] : output.objects) edit_node(node, key, nullptr);
  for (const auto& [key, object] : output.edits)
    edit_node(node, key, nullptr);  // what has just gone from it, too
  output.on_node.erase(node);
}

void Outputs::edit_node(const std::string& node, const contract::ObjectKey& key, contract::ObjectPtr object) {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return;  // removed in this update
  // An address that moves from one shard to another on the same node is taken off here and put there, in
  // either order.
  auto& edit = found->second.edits[key];
  if (object || !edit) edit = std::move(object);
}

std::vector<std::string> Outputs::finish(contract::Revision revision) {
  std::vector<std::string> touched;
  for (auto& [name, node] : nodes_) {
    contract::Delta delta{
        .base = node.snapshot.revision, .revision = revision, .upserts = {}, .removals = {}};
    for (auto& [key, object] : node.edits) {
      if (!set_object(node.snapshot.objects, key, object)) continue;
      if (object)
        delta.upserts.push_back({key, object});
      else
        delta.removals.push_back(key);
    }
    node.edits.clear();
    node.snapshot.revision = revision;
    if (node.is_new || !delta.empty()) touched.push_back(name);
    if (!node.is_new && !delta.empty()) node.log.push(std::move(delta));
    node.is_new = false;
  }
  return touched;
}

const contract::Snapshot* Outputs::snapshot(const std::string& node) const {
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? nullptr : &found->second.snapshot;
}

std::optional<contract::Delta> Outputs::delta_since(const std::string& node, contract::Revision base) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return std::nullopt;
  const auto& snapshot = found->second.snapshot;
  if (auto delta = found->second.log.since(base, snapshot.revision)) return delta;
  return contract::full(snapshot);
}

}  // namespace headgate::compile
