// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/build.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l7/policy/blocks.hpp"
#include "mgmt/compile/local_addresses.hpp"

namespace headgate::compile {
namespace {

using db::AllocationKey;
using db::Space;

std::string replica_name(const Entry& shard, uint32_t replica) {
  return shard.key.name + "/" + std::to_string(replica);
}

// By the shard's name as well: a replica of the old shard may still drain on its port while an address moves.
std::string target_key(const Endpoint& endpoint, const Entry& shard, uint32_t replica) {
  return "tcp/" + endpoint.to_string() + " " + replica_name(shard, replica);
}

// Whichever pool the backend is of: a listener that is led to another one keeps the flows of those in both.
std::string target_key(const Place& place, const contract::Backend& backend) {
  return place.to_string() + " " + contract::health_member(backend.host, backend.port);
}

uint32_t number_of(const Numbers& numbers, Space space, const std::string& key) {
  const auto found = numbers.find({space, key});
  return found == numbers.end() ? 0 : found->second;
}

IpAddress local_address_like(const IpAddress& address) {
  return address.is_v6() ? local_address_v6() : local_address_v4();
}

std::string hop_pool_uid(const Entry& to_shard) { return "hop/" + to_shard.meta.uid; }

// The shard that the route's namespace names; nothing where it leaves that to the listeners.
std::optional<std::string> owner_of(const Model& model, const Entry& route) {
  const auto* space = model.find(db::Kind::kNamespace, route.key.namespace_name);
  return space ? space->as<Namespace>().shard : std::nullopt;
}

contract::ReplicaGroup build_replica_group(const Model& model, const Entry& entry, const Numbers& numbers) {
  const auto& shard = entry.as<Shard>();
  contract::ReplicaGroup group;
  group.shard = entry.key.name;
  group.shard_uid = entry.meta.uid;
  group.replicas = shard.replicas_per_node;
  group.threads = shard.threads_per_replica;
  group.user_number = number_of(numbers, Space::kUser, entry.meta.uid);
  group.memory_max_bytes = shard.memory_max_bytes_per_replica;
  group.connections_max = shard.connections_max_per_replica;
  for (const auto& [endpoint, listeners] : model.endpoints_of_shard(entry.key.name)) {
    auto& socket = group.sockets.emplace_back();
    socket.address = endpoint.address;
    socket.port = endpoint.port;
    for (uint32_t replica = 0; replica < shard.replicas_per_node; ++replica)
      socket.local_ports.push_back(
          static_cast<uint16_t>(number_of(numbers, Space::kLocalPort, target_key(endpoint, entry, replica))));
  }
  return group;
}

contract::L4Listener build_l4_listener(const Endpoint& endpoint, const Entry& shard, const Entry& node,
                                       const Numbers& numbers) {
  contract::L4Listener listener;
  listener.address = endpoint.address;
  listener.port = endpoint.port;
  for (uint32_t replica = 0; replica < shard.as<Shard>().replicas_per_node; ++replica) {
    const auto key = target_key(endpoint, shard, replica);
    listener.targets.push_back({.id = number_of(numbers, Space::kTarget, key),
                                .name = replica_name(shard, replica),
                                .address = local_address_like(endpoint.address),
                                .port = static_cast<uint16_t>(number_of(numbers, Space::kLocalPort, key)),
                                .weight = 1,
                                .drain = node.as<Node>().drain});
  }
  std::sort(listener.targets.begin(), listener.targets.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return listener;
}

// What is said of the rule's requests where it is served.
std::vector<contract::PolicyBlock> blocks_beyond_hop(const Rule& rule,
                                                     const std::vector<const Entry*>& policies) {
  l7::policy::Blocks blocks;
  if (rule.filters) blocks = l7::policy::Blocks::of(*rule.filters);
  for (const auto* policy : policies) blocks = blocks | l7::policy::Blocks::of(*policy->as<Policy>().filters);
  return blocks.list();
}

// How long the second tier waits at most with a request that it has whole, over all tries: a bound for a
// process of ours that hangs.
std::optional<contract::Millis> patience_beyond_hop(const Rule& rule, uint32_t tries) {
  if (rule.request_timeout || !rule.backend_request_timeout) return std::nullopt;
  return tries * (*rule.backend_request_timeout + contract::Millis(limits::kHopSlack));
}

// In the first tier: found by the same matches, so that the precedence among all routes of the listener stays
// what it is, and as patient as the second tier; the rest of the rule is that one's, filters and retries with
// it.
contract::RouteRule build_hop_rule(const Rule& rule, const Entry* to_shard,
                                   const std::vector<const Entry*>& policies) {
  contract::RouteRule built;
  built.name = rule.name;
  built.matches = rule.matches;
  built.request_timeout = rule.request_timeout;
  built.tries_beyond_hop = 1 + (rule.retry ? rule.retry->attempts : 0);
  built.backend_request_timeout = patience_beyond_hop(rule, built.tries_beyond_hop);
  built.idle_timeout = rule.idle_timeout;
  built.forward.push_back({.pool = to_shard ? hop_pool_uid(*to_shard) : "", .weight = 1, .filters = {}});
  built.blocks_beyond_hop = blocks_beyond_hop(rule, policies);
  return built;
}

// With its mirrors named by their uids.
contract::Boxed<contract::Filters> build_filters(const Model& model,
                                                 const contract::Boxed<contract::Filters>& filters) {
  if (!filters || filters->mirror.empty()) return filters;
  auto built = *filters;
  for (auto& mirror : built.mirror) {
    const auto* entry = model.find(key_of(db::Kind::kPool, pool_named_by(mirror)));
    mirror.pool = entry ? entry->meta.uid : "";
  }
  return contract::Boxed<contract::Filters>(std::move(built));
}

contract::RouteRule build_rule(const Model& model, const Rule& rule) {
  contract::RouteRule built;
  built.name = rule.name;
  built.matches = rule.matches;
  built.request_timeout = rule.request_timeout;
  built.backend_request_timeout = rule.backend_request_timeout;
  built.idle_timeout = rule.idle_timeout;
  built.retry = rule.retry;
  built.affinity = rule.affinity;
  built.filters = build_filters(model, rule.filters);
  for (const auto& pool : rule.forward) {
    const auto* entry = model.find({db::Kind::kPool, pool.namespace_name, pool.name});
    built.forward.push_back({.pool = entry ? entry->meta.uid : "",
                             .weight = pool.weight,
                             .filters = build_filters(model, pool.filters)});
  }
  return built;
}

bool asks_for_certificates(const ListenerTls& tls) {
  return tls.client_ca && tls.client_auth != contract::ClientAuth::kNone;
}

std::vector<std::string> uids_of(const std::vector<const Entry*>& entries) {
  std::vector<std::string> uids;
  for (const auto* entry : entries) uids.push_back(entry->meta.uid);
  return uids;
}

std::optional<contract::ListenerTls> build_tls(const Model& model, const Listener& listener) {
  if (!listener.tls) return std::nullopt;
  contract::ListenerTls built;
  built.min_version = listener.tls->min_version;
  built.client_auth = listener.tls->client_auth;
  for (const auto& reference : listener.tls->certificates)
    if (const auto* entry = model.find(key_of(db::Kind::kCertificate, reference)))
      built.certificates.push_back(entry->meta.uid);
  if (!asks_for_certificates(*listener.tls)) return built;
  built.forward_certificate = listener.tls->forward_certificate;
  if (const auto* entry = model.find(key_of(db::Kind::kSecret, *listener.tls->client_ca)))
    built.client_ca = entry->meta.uid;
  return built;
}

std::vector<AllocationKey> allocations_of_shard(const Model& model, const Entry& shard) {
  std::vector<AllocationKey> keys{{Space::kUser, shard.meta.uid}};
  for (const auto& [endpoint, listeners] : model.endpoints_of_shard(shard.key.name))
    for (uint32_t replica = 0; replica < shard.as<Shard>().replicas_per_node; ++replica)
      for (const auto space : {Space::kLocalPort, Space::kTarget})
        keys.push_back({space, target_key(endpoint, shard, replica)});
  return keys;
}

std::vector<AllocationKey> allocations_of_listener(const Model& model, const Entry& entry) {
  const auto& listener = entry.as<Listener>();
  const auto* pool = listener.pool ? model.find(key_of(db::Kind::kPool, *listener.pool)) : nullptr;
  std::vector<AllocationKey> keys;
  if (!pool) return keys;
  for (const auto& backend : pool->as<Pool>().backends)
    keys.push_back({Space::kTarget, target_key(place_of(listener), backend)});
  return keys;
}

}  // namespace

contract::ObjectPtr frozen(contract::Object object) {
  return std::make_shared<const contract::Object>(std::move(object));
}

std::vector<AllocationKey> required_allocations(const Model& model, const Entry& entry) {
  return entry.key.kind == db::Kind::kShard ? allocations_of_shard(model, entry)
                                            : allocations_of_listener(model, entry);
}

contract::Object build_node_settings(const Entry& node) {
  return contract::NodeSettings{.name = node.key.name,
                                .local_address_v4 = local_address_v4(),
                                .local_address_v6 = local_address_v6(),
                                .drain = node.as<Node>().drain};
}

HopPeers build_hop_peers(const Model& model, const Numbers& numbers, const std::set<std::string>& shards) {
  HopPeers peers;
  for (const auto& name : shards)
    if (const auto* shard = model.find(db::Kind::kShard, name))
      peers.push_back({.shard = name, .user_number = number_of(numbers, Space::kUser, shard->meta.uid)});
  return peers;
}

contract::Object build_shard_settings(const Model& model, const Entry& shard, HopPeers hop_peers) {
  auto settings = shard.as<Shard>().settings;
  settings.name = shard.key.name;
  settings.ticket_secret = model.ticket_secret();
  settings.hop_peers = std::move(hop_peers);
  return settings;
}

contract::Object build_listener(const Model& model, const Entry& entry, const std::string& shard) {
  const auto& listener = entry.as<Listener>();
  const bool ends_here = listener.shard == shard;
  return contract::Listener{.uid = entry.meta.uid,
                            .name = entry.key.name,
                            .address = listener.address,
                            .port = listener.port,
                            .protocol = listener.protocol,
                            .hostname = listener.hostname,
                            .trusted_proxies = listener.trusted_proxies,
                            .escaped_slash = listener.escaped_slash,
                            .tls = ends_here ? build_tls(model, listener) : std::nullopt,
                            .hop_from = ends_here ? "" : listener.shard,
                            .forwarded_header = listener.forwarded_header,
                            .proxy_protocol = listener.proxy_protocol,
                            .policies = uids_of(policies_of_listener(model, entry, shard))};
}

contract::Object build_route(const Model& model, const Entry& entry, const std::string& shard) {
  const auto& route = entry.as<Route>();
  contract::Route built;
  built.uid = entry.meta.uid;
  built.namespace_name = entry.key.namespace_name;
  built.name = entry.key.name;
  built.created_at_ms = entry.meta.created_at_ms;
  built.hostnames = route.hostnames;
  const auto owner = owner_of(model, entry);
  const bool passed_on = owner && *owner != shard;
  for (const auto& name : route.listeners) {
    const auto* listener = model.find(db::Kind::kListener, name);
    if (listener && (owner == shard || listener->as<Listener>().shard == shard))
      built.listeners.push_back(listener->meta.uid);
  }
  const auto* to_shard = passed_on ? model.find(db::Kind::kShard, *owner) : nullptr;
  const auto policies = policies_of_route(model, entry);
  if (!passed_on) built.policies = uids_of(policies);
  for (const auto& rule : route.rules)
    built.rules.push_back(passed_on ? build_hop_rule(rule, to_shard, policies) : build_rule(model, rule));
  return built;
}

// It speaks HTTP/1.1, where DESIGN section 1 has HTTP/2. CPU of both tiers for a request, one thread each,
// two runs in turn on two cores that others used as well, HTTP/1.1 beside HTTP/2, in µs: 1 kB over 64
// connections 29 and 38 beside 30 and 37, over 8 42 and 45 beside 50 and 48; 100 kB 99 and 105 beside 160 and
// 157; 1 MB, which goes by a pipe, 830 and 720 beside 1460 and 1110; for clients of HTTP/2 1 kB 39 and 31
// beside 42 and 26, 100 kB 109 and 83 beside 155 and 120. HPACK eats what shared writes save, and bodies are
// copied twice more in each tier.
contract::Object build_hop_pool(const Entry& to_shard) {
  contract::Pool pool;
  pool.uid = hop_pool_uid(to_shard);
  pool.name = "hop/" + to_shard.key.name;
  pool.hop_to = to_shard.key.name;
  const auto& settings = to_shard.as<Shard>().settings;
  // Endpoints that don't answer a connect are passed over within one try.
  pool.response_timeout = settings.response_timeout + limits::kTriesMax * settings.connect_timeout +
                          contract::Millis(limits::kHopSlack);
  return pool;
}

Objects build_shard_on_node(const Model& model, const Entry& shard, const Entry& node, const Numbers& numbers,
                            const HopPeers& hop_peers) {
  Objects objects;
  auto group = build_replica_group(model, shard, numbers);
  group.hop_peers = hop_peers;
  objects[{std::string(contract::kAudienceNode), contract::Kind::kReplicaGroup, shard.meta.uid}] =
      frozen(std::move(group));
  if (!node.as<Node>().ingress) return objects;
  for (const auto& [endpoint, listeners] : model.endpoints_of_shard(shard.key.name)) {
    // Nothing for a loopback address ever comes in by the uplink: the kernel alone serves it.
    if (endpoint.address.is_loopback()) continue;
    objects[{std::string(contract::kAudienceL4), contract::Kind::kL4Listener,
             "tcp/" + endpoint.to_string()}] = frozen(build_l4_listener(endpoint, shard, node, numbers));
  }
  return objects;
}

Objects build_pool_listener(const Model& model, const Entry& entry, const Numbers& numbers) {
  const auto& from = entry.as<Listener>();
  const auto* pool = model.find(key_of(db::Kind::kPool, *from.pool));
  if (!pool) return {};
  const auto place = place_of(from);
  contract::L4Listener listener{.address = from.address,
                                .port = from.port,
                                .protocol = place.transport,
                                .forwarding = from.forwarding,
                                .targets = {},
                                .pool = pool->meta.uid,
                                .when_all_down = pool->as<Pool>().when_all_down,
                                .vxlan = from.vxlan,
                                .balance = from.balance};
  for (const auto& backend : pool->as<Pool>().backends) {
    const auto to = literal_endpoint(backend);
    if (!to) continue;
    listener.targets.push_back({.id = number_of(numbers, Space::kTarget, target_key(place, backend)),
                                .name = contract::health_member(backend.host, backend.port),
                                .address = to->address,
                                .port = to->port,
                                .weight = backend.weight,
                                .drain = backend.drain,
                                .priority = backend.priority});
  }
  std::sort(listener.targets.begin(), listener.targets.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  const std::string audience(contract::kAudienceL4);
  Objects objects;
  objects[{audience, contract::Kind::kL4Listener, place.to_string()}] = frozen(std::move(listener));
  objects[{audience, contract::Kind::kPool, pool->meta.uid}] = frozen(build_used(model, *pool));
  return objects;
}

RoutePlaces places_of_route(const Model& model, const Entry& entry) {
  std::set<std::string> serving, passing_on;
  std::set<db::ObjectKey> hop_listeners;
  const auto owner = owner_of(model, entry);
  for (const auto& name : entry.as<Route>().listeners) {
    const auto* listener = model.find(db::Kind::kListener, name);
    if (!listener || listener->as<Listener>().pool) continue;
    const auto& shard = listener->as<Listener>().shard;
    serving.insert(owner.value_or(shard));
    if (!owner || *owner == shard) continue;
    passing_on.insert(shard);
    hop_listeners.insert(listener->key);
  }
  return {{serving.begin(), serving.end()},
          {passing_on.begin(), passing_on.end()},
          {hop_listeners.begin(), hop_listeners.end()}};
}

std::vector<db::ObjectKey> used_by_route(const Model& model, const Entry& entry) {
  std::set<db::ObjectKey> used;
  for (const auto& named : pools_named_by(entry.as<Route>())) {
    const auto* pool = model.find(key_of(db::Kind::kPool, named.pool));
    if (!pool || !used.insert(pool->key).second) continue;
    const auto trust = trust_of_pool(model, *pool);
    used.insert(trust.begin(), trust.end());
  }
  for (const auto* policy : policies_of_route(model, entry)) used.insert(policy->key);
  // Those of the shard stand above the copies of listeners that lead there.
  const auto places = places_of_route(model, entry);
  for (const auto& key : places.hop_listeners)
    for (const auto* policy : policies_of_listener(model, *model.find(key), places.serving[0]))
      used.insert(policy->key);
  return {used.begin(), used.end()};
}

std::vector<db::ObjectKey> used_by_listener(const Model& model, const Entry& entry) {
  const auto& listener = entry.as<Listener>();
  std::set<db::ObjectKey> keys;
  if (listener.tls) {
    for (const auto& reference : listener.tls->certificates)
      keys.insert(key_of(db::Kind::kCertificate, reference));
    if (asks_for_certificates(*listener.tls))
      keys.insert(key_of(db::Kind::kSecret, *listener.tls->client_ca));
  }
  std::erase_if(keys, [&](const db::ObjectKey& key) { return model.find(key) == nullptr; });
  if (!listener.pool)
    for (const auto* policy : policies_of_listener(model, entry, listener.shard)) keys.insert(policy->key);
  return {keys.begin(), keys.end()};
}

contract::ObjectKey key_in_shard(const std::string& shard, contract::Kind kind, const Entry& entry) {
  return {contract::audience_of_shard(shard), kind, entry.meta.uid};
}

contract::ObjectKey key_of_hop_pool(const std::string& shard, const Entry& to_shard) {
  return {contract::audience_of_shard(shard), contract::Kind::kPool, hop_pool_uid(to_shard)};
}

contract::ObjectKey key_of_node_settings(const Entry& node) {
  return {std::string(contract::kAudienceNode), contract::Kind::kNodeSettings, node.meta.uid};
}

}  // namespace headgate::compile
