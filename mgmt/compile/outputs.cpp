// SPDX-License-Identifier: Apache-2.0
// Applying what is dirty. What becomes dirty is found in outputs_dirty.cpp.
#include "mgmt/compile/outputs.hpp"

#include <algorithm>

namespace headgate::compile {
namespace {

contract::ObjectPtr frozen(contract::Object object) {
  return std::make_shared<const contract::Object>(std::move(object));
}

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

contract::Kind kind_in_shard(db::Kind kind) {
  if (kind == db::Kind::kShard) return contract::Kind::kShardSettings;
  if (kind == db::Kind::kListener) return contract::Kind::kListener;
  if (kind == db::Kind::kCertificate) return contract::Kind::kCertificate;
  if (kind == db::Kind::kSecret) return contract::Kind::kTrustBundle;
  return kind == db::Kind::kRoute ? contract::Kind::kRoute : contract::Kind::kPool;
}

bool is_there_by_use(db::Kind kind) {
  return kind == db::Kind::kPool || kind == db::Kind::kCertificate || kind == db::Kind::kSecret;
}

contract::Object build_in_shard(const Model& model, const Entry& entry, const std::string& shard) {
  if (entry.key.kind == db::Kind::kShard) return build_shard_settings(model, entry);
  if (entry.key.kind == db::Kind::kListener) return build_listener(model, entry);
  if (entry.key.kind == db::Kind::kCertificate) return build_certificate(entry);
  if (entry.key.kind == db::Kind::kSecret) return build_trust_bundle(entry);
  if (entry.key.kind == db::Kind::kRoute) return build_route(model, entry, shard);
  return build_pool(entry);
}

}  // namespace

std::vector<std::string> Outputs::update(const Model& model, const Numbers& numbers, const Keys& changed,
                                         contract::Revision revision) {
  Dirty dirty;
  for (const auto& key : changed) find_dirty(model, key, dirty);
  for (const auto& key : dirty.routes) place_route(model, key, dirty);
  for (const auto& key : dirty.nodes) refresh_node(model, key, revision, dirty);
  for (const auto& [shard, key] : dirty.in_shard) refresh_in_shard(model, shard, key);
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
    return;
  }
  for (const auto& shard : model.shards_of_node(key.name)) dirty.shards.insert(shard);
  nodes_.try_emplace(key.name,
                     NodeOutput{.snapshot = {}, .log = DeltaLog(revision), .edits = {}, .is_new = true});
  edit_node(key.name, key_of_node_settings(*entry), frozen(build_node_settings(*entry)));
}

void Outputs::refresh_in_shard(const Model& model, const std::string& shard, const db::ObjectKey& key) {
  auto& output = shards_[shard];
  const auto* entry = model.find(key);
  bool wanted = entry != nullptr;
  if (wanted && key.kind == db::Kind::kListener) wanted = entry->as<Listener>().shard == shard;
  if (wanted && is_there_by_use(key.kind)) wanted = output.uses.contains(key);
  if (wanted && key.kind == db::Kind::kRoute) {
    const auto& shards = routes_.at(key).shards;
    wanted = std::find(shards.begin(), shards.end(), shard) != shards.end();
  }
  const auto edit = [&](const contract::ObjectKey& compiled, const contract::ObjectPtr& object) {
    if (set_object(output.objects, compiled, object)) output.edits[compiled] = object;
  };
  const auto before = output.compiled.find(key);
  const auto now =
      wanted ? std::optional(key_in_shard(shard, kind_in_shard(key.kind), *entry)) : std::nullopt;
  if (before != output.compiled.end() && before->second != now) {
    edit(before->second, nullptr);
    output.compiled.erase(before);
  }
  if (!now) return;
  edit(*now, frozen(build_in_shard(model, *entry, shard)));
  output.compiled.insert_or_assign(key, *now);
}

void Outputs::refresh_shard(const Model& model, const Numbers& numbers, const std::string& name) {
  refresh_in_shard(model, name, {db::Kind::kShard, "", name});
  auto& output = shards_[name];
  const auto nodes = model.nodes_of_shard(name);
  std::vector<std::string> left;
  for (const auto& [node, objects] : output.on_node)
    if (std::find(nodes.begin(), nodes.end(), node) == nodes.end()) left.push_back(node);
  for (const auto& node : left) take_off_node(node, output);
  const auto* shard = model.find(db::Kind::kShard, name);
  for (const auto& node : nodes)
    put_on_node(node, output,
                build_shard_on_node(model, *shard, *model.find(db::Kind::kNode, node), numbers));
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
