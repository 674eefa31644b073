// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/model.hpp"

#include <algorithm>

namespace headgate::compile {
namespace {

const Keys kNobody;

const Keys& keys_of(const auto& index, const auto& key) {
  const auto found = index.find(key);
  return found == index.end() ? kNobody : found->second;
}

void erase_key(auto& index, const auto& key, const db::ObjectKey& member) {
  const auto found = index.find(key);
  if (found == index.end()) return;
  found->second.erase(member);
  if (found->second.empty()) index.erase(found);
}

bool has_labels(const Labels& labels, const Labels& wanted) {
  return std::includes(labels.begin(), labels.end(), wanted.begin(), wanted.end());
}

bool runs_on(const Shard& shard, const Entry& node_entry) {
  const auto& node = node_entry.as<Node>();
  if (!node.worker) return false;
  if (!shard.node_names) return has_labels(node.labels, shard.node_labels);
  return std::find(shard.node_names->begin(), shard.node_names->end(), node_entry.key.name) !=
         shard.node_names->end();
}

std::string at(std::string_view array, std::size_t index) {
  return std::string(array) + "/" + std::to_string(index);
}

using References = std::vector<db::Reference>;

void add_references(const Node&, References&) {}
void add_references(const Certificate&, References&) {}
void add_references(const Secret&, References&) {}
void add_references(const Shard& shard, References& into) {
  if (!shard.node_names) return;
  for (std::size_t i = 0; i < shard.node_names->size(); ++i)
    into.push_back({at("/nodes/names", i), {db::Kind::kNode, "", (*shard.node_names)[i]}});
}
void add_references(const Listener& listener, References& into) {
  if (listener.pool)
    into.push_back({"/pool", key_of(db::Kind::kPool, *listener.pool)});
  else
    into.push_back({"/shard", {db::Kind::kShard, "", listener.shard}});
  if (!listener.tls) return;
  for (std::size_t i = 0; i < listener.tls->certificates.size(); ++i) {
    const auto& [space, name] = listener.tls->certificates[i];
    into.push_back({at("/tls/certificates", i), {db::Kind::kCertificate, space, name}});
  }
  if (const auto& ca = listener.tls->client_ca)
    into.push_back({"/tls/client_auth/ca", {db::Kind::kSecret, ca->namespace_name, ca->name}});
}
void add_references(const Pool& pool, References& into) {
  if (!pool.tls) return;
  const auto add = [&](const char* pointer, db::Kind kind, const std::optional<ObjectRef>& to) {
    if (to) into.push_back({pointer, {kind, to->namespace_name, to->name}});
  };
  add("/tls/ca", db::Kind::kSecret, pool.tls->ca);
  add("/tls/certificate", db::Kind::kCertificate, pool.tls->certificate);
}
void add_references(const Namespace& space, References& into) {
  if (space.shard) into.push_back({"/shard", {db::Kind::kShard, "", *space.shard}});
}
void add_references(const Policy& policy, References& into) {
  for (const auto& [pointer, object] : policy.targets)
    if (!pointer.empty()) into.push_back({pointer, object});
}
void add_references(const Route& route, References& into) {
  for (std::size_t i = 0; i < route.listeners.size(); ++i)
    into.push_back({at("/listeners", i), {db::Kind::kListener, "", route.listeners[i]}});
  for (auto& [pointer, pool] : pools_named_by(route))
    into.push_back({std::move(pointer), key_of(db::Kind::kPool, pool)});
}

void add_mirrors(const contract::Boxed<contract::Filters>& filters, const std::string& pointer,
                 std::vector<NamedPool>& into) {
  if (!filters) return;
  for (std::size_t i = 0; i < filters->mirror.size(); ++i)
    into.push_back({at(pointer + "/filters/mirror", i) + "/pool", pool_named_by(filters->mirror[i])});
}

std::string owner_of_place(const Listener& listener) {
  if (!listener.pool) return "shard/" + listener.shard;
  return "pool/" + listener.pool->namespace_name + "/" + listener.pool->name;
}

}  // namespace

std::string Place::to_string() const {
  return std::string(contract::name_of(transport)) + "/" + endpoint.to_string();
}

Place place_of(const Listener& listener) {
  return {
      {listener.address, listener.port},
      listener.protocol == contract::Protocol::kUdp ? contract::Protocol::kUdp : contract::Protocol::kTcp};
}

std::optional<Endpoint> literal_endpoint(const contract::Backend& backend) {
  const auto address = IpAddress::parse(backend.host);
  return address ? std::optional(Endpoint{*address, backend.port}) : std::nullopt;
}

std::vector<NamedPool> pools_named_by(const Route& route) {
  std::vector<NamedPool> named;
  for (std::size_t i = 0; i < route.rules.size(); ++i) {
    const auto& rule = route.rules[i];
    const auto pointer = at("/rules", i);
    for (std::size_t j = 0; j < rule.forward.size(); ++j) {
      const auto of_forward = at(pointer + "/forward", j);
      named.push_back({of_forward + "/pool", {rule.forward[j].namespace_name, rule.forward[j].name}});
      add_mirrors(rule.forward[j].filters, of_forward, named);
    }
    add_mirrors(rule.filters, pointer, named);
  }
  return named;
}

References references_of(const db::ObjectKey& key, const Resource& resource) {
  References references;
  if (!key.namespace_name.empty()) references.push_back({"", {db::Kind::kNamespace, "", key.namespace_name}});
  std::visit([&](const auto& typed) { add_references(typed, references); }, resource);
  return references;
}

std::optional<db::Claim> claim_of(const Resource& resource) {
  const auto* listener = std::get_if<Listener>(&resource);
  if (!listener) return std::nullopt;
  return db::Claim{.address = listener->address.to_string(),
                   .port = listener->port,
                   .transport = std::string(contract::name_of(place_of(*listener).transport)),
                   .owner = owner_of_place(*listener),
                   .hostname = listener->hostname};
}

const Entry* Model::find(const db::ObjectKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<const Entry*> Model::all(db::Kind kind) const {
  std::vector<const Entry*> found;
  for (auto entry = entries_.lower_bound({kind, "", ""});
       entry != entries_.end() && entry->first.kind == kind; ++entry)
    found.push_back(&entry->second);
  return found;
}

void Model::put(Entry entry) {
  remove(entry.key);
  const auto key = entry.key;
  link(entries_.emplace(key, std::move(entry)).first->second);
}

void Model::remove(const db::ObjectKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  unlink(found->second);
  entries_.erase(found);
}

void Model::set_meta(const db::ObjectKey& key, const db::ObjectMeta& meta) {
  const auto found = entries_.find(key);
  if (found != entries_.end()) found->second.meta = meta;
}

void Model::link(const Entry& entry) {
  for (const auto& reference : references_of(entry.key, *entry.resource))
    referrers_[reference.to].insert(entry.key);
  if (entry.key.kind == db::Kind::kListener) at_place_[place_of(entry.as<Listener>())].insert(entry.key);
}

void Model::unlink(const Entry& entry) {
  for (const auto& reference : references_of(entry.key, *entry.resource))
    erase_key(referrers_, reference.to, entry.key);
  if (entry.key.kind == db::Kind::kListener) erase_key(at_place_, place_of(entry.as<Listener>()), entry.key);
}

const Keys& Model::referrers(const db::ObjectKey& key) const { return keys_of(referrers_, key); }
std::vector<const Entry*> Model::referrers(const db::ObjectKey& key, db::Kind kind) const {
  const Keys& all = referrers(key);
  std::vector<const Entry*> found;
  for (auto referrer = all.lower_bound({kind, "", ""}); referrer != all.end() && referrer->kind == kind;
       ++referrer)
    found.push_back(find(*referrer));
  return found;
}
const Keys& Model::at_place(const Place& place) const { return keys_of(at_place_, place); }

std::vector<std::string> Model::ingress_nodes() const {
  std::vector<std::string> names;
  for (const auto* node : all(db::Kind::kNode))
    if (node->as<Node>().ingress) names.push_back(node->key.name);
  return names;
}

std::vector<std::string> Model::nodes_of_shard(const std::string& shard) const {
  std::vector<std::string> names;
  const auto* entry = find(db::Kind::kShard, shard);
  if (!entry) return names;
  for (const auto* node : all(db::Kind::kNode))
    if (runs_on(entry->as<Shard>(), *node)) names.push_back(node->key.name);
  return names;
}

std::vector<std::string> Model::shards_of_node(const std::string& node) const {
  std::vector<std::string> names;
  const auto* entry = find(db::Kind::kNode, node);
  if (!entry) return names;
  for (const auto* shard : all(db::Kind::kShard))
    if (runs_on(shard->as<Shard>(), *entry)) names.push_back(shard->key.name);
  return names;
}

std::map<Endpoint, std::vector<const Entry*>> Model::endpoints_of_shard(const std::string& shard) const {
  std::map<Endpoint, std::vector<const Entry*>> endpoints;
  for (const auto* listener : referrers({db::Kind::kShard, "", shard}, db::Kind::kListener))
    endpoints[{listener->as<Listener>().address, listener->as<Listener>().port}].push_back(listener);
  return endpoints;
}

}  // namespace headgate::compile
