// SPDX-License-Identifier: Apache-2.0
#include "mgmt/compile/check.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include "dataplane/contract/health_view.hpp"
#include "mgmt/compile/hostname.hpp"
#include "mgmt/compile/passthrough_rules.hpp"

namespace headgate::compile {
namespace {

using db::Kind;

constexpr std::size_t kNamedMax = 5;  // of those in a sentence

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end() ||
         std::find(names.begin(), names.end(), "*") != names.end();
}

std::string listed(const std::vector<db::ObjectKey>& keys) {
  std::string text;
  for (std::size_t i = 0; i < std::min(keys.size(), kNamedMax); ++i)
    text += (i ? ", " : "") + keys[i].to_string();
  return keys.size() > kNamedMax ? text + " and " + std::to_string(keys.size() - kNamedMax) + " more" : text;
}

class Checks {
 public:
  Checks(const Model& model, const Keys& changed) : model_(model), changed_(changed) {}
  Problems run() &&;

 private:
  void add(const db::ObjectKey& object, std::string pointer, std::string code, std::string detail) {
    problems_.push_back({object, std::move(pointer), std::move(code), std::move(detail), false});
  }
  void add_conflict(const db::ObjectKey& object, std::string pointer, std::string code, std::string detail) {
    problems_.push_back({object, std::move(pointer), std::move(code), std::move(detail), true});
  }
  bool is_changed(const db::ObjectKey& key) const { return changed_.contains(key); }
  const Namespace* space(const std::string& name) const {
    const auto* entry = model_.find(Kind::kNamespace, name);
    return entry ? &entry->as<Namespace>() : nullptr;
  }

  void check_removed(const db::ObjectKey& key);
  void check_references(const Entry& entry);
  void check_route(const Entry& entry);
  void check_passed_tls(const Entry& route);
  bool keeps_route(const Entry& route, const Entry& listener) const;
  void check_hostnames(const Entry& entry);
  void check_grants(const Entry& entry);
  void check_listener(const Entry& entry);
  void check_place(const Entry& entry);
  void check_forwarded(const db::ObjectKey& object, const std::string& pointer, const Entry& listener);
  void check_answers(const db::ObjectKey& object, const std::string& pointer, const Entry& listener);
  void check_trust(const Entry& entry);
  void check_pool(const Entry& entry);
  void check_policy(const Entry& entry);
  void check_secret(const Entry& entry);
  void check_grants_of(const db::ObjectKey& namespace_key, const db::ObjectKey& key);
  void check_hop(const db::ObjectKey& object, const std::string& pointer, const Namespace* owner,
                 const Listener& listener);
  void check_shard(const Entry& entry);
  void check_namespace(const Entry& entry);
  bool is_granted(const std::string& from_namespace, const ObjectRef& pool) const;
  bool is_granted(const db::ObjectKey& user, const db::ObjectKey& key) const;
  bool claims(const std::string& namespace_name, const std::string& hostname) const;

  const Model& model_;
  const Keys& changed_;
  std::set<std::tuple<db::ObjectKey, std::string, std::string, std::string>> hops_checked_;
  Problems problems_;
};

bool passes_tls(const Entry& listener) {
  return listener.as<Listener>().protocol == contract::Protocol::kTls;
}

// --- between a route and a listener
struct Attachment {
  const Entry& route;
  const Entry& listener;
};

bool may_attach(const Attachment& a) {
  return contains(a.listener.as<Listener>().namespaces, a.route.key.namespace_name);
}

bool shares_hostname(const Attachment& a) {
  const auto& hostnames = a.route.as<Route>().hostnames;
  return hostnames.empty() ||
         std::any_of(hostnames.begin(), hostnames.end(), [&](const std::string& hostname) {
           return intersects(hostname, a.listener.as<Listener>().hostname);
         });
}

// ---

void Checks::check_removed(const db::ObjectKey& key) {
  if (key == db::ObjectKey{Kind::kNamespace, "", "default"})
    return add_conflict(key, "", "in_use", "the namespace default always exists");
  std::vector<db::ObjectKey> users;
  for (const auto& user : model_.referrers(key))
    if (!is_changed(user)) users.push_back(user);
  if (!users.empty()) add_conflict(key, "", "in_use", key.to_string() + " is in use by " + listed(users));
}

void Checks::check_references(const Entry& entry) {
  for (const auto& [pointer, to] : references_of(entry.key, *entry.resource))
    if (!model_.find(to)) add(entry.key, pointer, "missing_reference", to.to_string() + " does not exist");
}

bool Checks::claims(const std::string& namespace_name, const std::string& hostname) const {
  const auto* owner = space(namespace_name);
  if (!owner || !owner->hostnames) return true;
  return std::any_of(owner->hostnames->begin(), owner->hostnames->end(),
                     [&](const std::string& claim) { return covers(claim, hostname); });
}

bool Checks::is_granted(const std::string& from_namespace, const ObjectRef& pool) const {
  if (pool.namespace_name == from_namespace) return true;
  const auto* owner = space(pool.namespace_name);
  return owner && std::any_of(owner->grants.begin(), owner->grants.end(), [&](const Grant& grant) {
           return contains(grant.namespaces, from_namespace) && contains(grant.pools, pool.name);
         });
}

void Checks::check_hostnames(const Entry& entry) {
  const auto& route = entry.as<Route>();
  const auto& name = entry.key.namespace_name;
  if (route.hostnames.empty() && !claims(name, ""))
    add(entry.key, "/hostnames", "not_claimed",
        "namespace " + name + " may not claim every hostname: name those that the route serves");
  for (std::size_t i = 0; i < route.hostnames.size(); ++i)
    if (!claims(name, route.hostnames[i]))
      add(entry.key, "/hostnames/" + std::to_string(i), "not_claimed",
          "namespace " + name + " may not claim " + route.hostnames[i]);
}

void Checks::check_grants(const Entry& entry) {
  for (const auto& [pointer, pool] : pools_named_by(entry.as<Route>()))
    if (!is_granted(entry.key.namespace_name, pool))
      add(entry.key, pointer, "not_granted",
          "namespace " + pool.namespace_name + " does not grant pool " + pool.name + " to namespace " +
              entry.key.namespace_name);
}

// The hop leads from process to process of one machine: what serves the namespace must run wherever the
// listener ends. Nodes that come later are not known here; on one that lacks it the first tier answers 503.
void Checks::check_hop(const db::ObjectKey& object, const std::string& pointer, const Namespace* owner,
                       const Listener& listener) {
  if (!owner || !owner->shard || *owner->shard == listener.shard) return;
  if (!model_.find(Kind::kShard, *owner->shard)) return;  // a missing reference, said elsewhere
  // Once for all routes that go the same way.
  if (!hops_checked_.emplace(object, pointer, *owner->shard, listener.shard).second) return;
  const auto reached = model_.nodes_of_shard(*owner->shard);
  for (const auto& node : model_.nodes_of_shard(listener.shard)) {
    if (std::find(reached.begin(), reached.end(), node) != reached.end()) continue;
    return add(object, pointer, "unsupported",
               "shard " + *owner->shard + " does not run on node " + node + ", where shard " +
                   listener.shard + " does: this release forwards between shards on one node");
  }
}

// What is decided before TLS is by the server name alone, whatever the listener.
void Checks::check_passed_tls(const Entry& entry) {
  const auto& route = entry.as<Route>();
  const Entry* passing = nullptr;
  std::size_t ending = route.listeners.size();  // the first whose TLS ends there, or that has none
  for (std::size_t i = 0; i < route.listeners.size(); ++i) {
    const auto* listener = model_.find(Kind::kListener, route.listeners[i]);
    if (!listener) continue;
    if (passes_tls(*listener))
      passing = passing ? passing : listener;
    else
      ending = std::min(ending, i);
  }
  if (!passing) return;
  if (ending != route.listeners.size())
    add(entry.key, "/listeners/" + std::to_string(ending), "protocol_mismatch",
        "all listeners of a route are of protocol tls, or none is: " + passing->key.to_string() + " is");
  if (const auto fault = fault_of_passthrough(route))
    add(entry.key, fault->pointer, "unsupported",
        passing->key.to_string() + " passes TLS through: " + std::string(fault->reason));
}

// Of a listener that changes while the route does not.
bool Checks::keeps_route(const Entry& route, const Entry& listener) const {
  if (passes_tls(listener) && fault_of_passthrough(route.as<Route>())) return false;
  const auto& names = route.as<Route>().listeners;
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const auto* other = model_.find(Kind::kListener, name);
    return !other || passes_tls(*other) == passes_tls(listener);
  });
}

void Checks::check_route(const Entry& entry) {
  const auto& route = entry.as<Route>();
  for (std::size_t i = 0; i < route.listeners.size(); ++i) {
    const auto* listener = model_.find(Kind::kListener, route.listeners[i]);
    if (!listener) continue;
    const auto pointer = "/listeners/" + std::to_string(i);
    if (listener->as<Listener>().pool) {
      add(entry.key, pointer, "protocol_mismatch",
          listener->key.to_string() + " ends on a pool: it takes no routes");
      continue;
    }
    if (!may_attach({entry, *listener}))
      add(entry.key, pointer, "not_allowed",
          listener->key.to_string() + " takes no routes of namespace " + entry.key.namespace_name);
    if (!shares_hostname({entry, *listener}))
      add(entry.key, pointer, "hostname_mismatch",
          listener->key.to_string() + " is for " + listener->as<Listener>().hostname + " only");
    check_hop(entry.key, pointer, space(entry.key.namespace_name), listener->as<Listener>());
  }
  check_passed_tls(entry);
  check_hostnames(entry);
  check_grants(entry);
}

// A PROXY header comes ahead of all that tells one listener of an address from another.
bool agree_before_hostname(const Listener& a, const Listener& b) {
  return a.proxy_protocol == b.proxy_protocol &&
         (!a.proxy_protocol || a.trusted_proxies == b.trusted_proxies);
}

void Checks::check_place(const Entry& entry) {
  const auto& listener = entry.as<Listener>();
  const auto place = Endpoint{listener.address, listener.port};
  for (const auto& other_key : model_.at_place(place_of(listener))) {
    if (other_key == entry.key) continue;
    const auto& other = model_.find(other_key)->as<Listener>();
    if (listener.pool || other.pool)
      add_conflict(entry.key, "/address", "address_taken",
                   place.to_string() + " is taken by " + other_key.to_string() +
                       ": where a listener ends on a pool, it is the only one");
    else if (other.shard != listener.shard)
      add_conflict(entry.key, "/address", "address_taken",
                   place.to_string() + " belongs to shard " + other.shard + " by " + other_key.to_string());
    else if (other.hostname == listener.hostname)
      add_conflict(entry.key, "/hostname", "hostname_taken",
                   other_key.to_string() + " has " +
                       (other.hostname.empty() ? "no hostname" : "the hostname " + other.hostname) + " on " +
                       place.to_string() + " as well");
    else if ((other.protocol == contract::Protocol::kHttp) !=
             (listener.protocol == contract::Protocol::kHttp))
      add_conflict(entry.key, "/protocol", "protocol_differs",
                   other_key.to_string() + " on " + place.to_string() + " speaks " +
                       std::string(contract::name_of(other.protocol)) +
                       ": whether there is TLS must be known before a hostname is");
    else if (!agree_before_hostname(other, listener))
      add_conflict(
          entry.key, "/proxy_protocol", "proxy_protocol_differs",
          other_key.to_string() + " on " + place.to_string() +
              " differs in proxy_protocol or its trusted_proxies, which count before a hostname is known");
  }
}

// Listeners are in no namespace: what is in none either is theirs to use, any other namespace's if it says
// so. Pools use what is their namespace's, and another's if that names theirs.
bool Checks::is_granted(const db::ObjectKey& user, const db::ObjectKey& key) const {
  if (key.namespace_name == user.namespace_name) return true;
  const auto* owner = space(key.namespace_name);
  return owner && std::any_of(owner->grants.begin(), owner->grants.end(), [&](const Grant& grant) {
           const bool to_user =
               user.kind == Kind::kListener || contains(grant.namespaces, user.namespace_name);
           return to_user &&
                  contains(key.kind == Kind::kCertificate ? grant.certificates : grant.secrets, key.name);
         });
}

// The type of secret that is needed there.
SecretType authorities_for(Kind user) {
  return user == Kind::kListener ? SecretType::kClientCa : SecretType::kCa;
}

void Checks::check_trust(const Entry& entry) {
  for (const auto& [pointer, to] : references_of(entry.key, *entry.resource)) {
    if (to.kind != Kind::kCertificate && to.kind != Kind::kSecret) continue;
    const auto* used = model_.find(to);
    if (!used) continue;
    if (!is_granted(entry.key, to))
      add(entry.key, pointer, "not_granted",
          "namespace " + to.namespace_name + " does not grant " + to.to_string() + " to " +
              (entry.key.kind == Kind::kListener ? "listeners" : "namespace " + entry.key.namespace_name));
    const auto needed = authorities_for(entry.key.kind);
    if (to.kind == Kind::kSecret && used->as<Secret>().type != needed)
      add(entry.key, pointer, "invalid_value",
          to.to_string() + " is not of type " + std::string(contract::name_of(needed)));
  }
}

void Checks::check_pool(const Entry& entry) {
  check_trust(entry);
  for (const auto* listener : model_.referrers(entry.key, Kind::kListener))
    if (!is_changed(listener->key)) check_forwarded(entry.key, "/backends", *listener);
}

void Checks::check_policy(const Entry& entry) {
  for (const auto& [pointer, target] : entry.as<Policy>().targets) {
    const auto* listener = target.kind == Kind::kListener ? model_.find(target) : nullptr;
    if (listener && listener->as<Listener>().pool)
      add(entry.key, pointer, "protocol_mismatch",
          target.to_string() + " ends on a pool: it takes no policies");
  }
}

void Checks::check_secret(const Entry& entry) {
  for (const auto& user : model_.referrers(entry.key)) {
    if (is_changed(user)) continue;
    const auto needed = authorities_for(user.kind);
    if (entry.as<Secret>().type != needed)
      add(entry.key, "/type", "in_use",
          user.to_string() + " needs a " + std::string(contract::name_of(needed)) + " here");
  }
}

// By nat or fullnat: to the backend's own address and port. Else packets arrive as they came.
bool is_translated(const Listener& listener) {
  return listener.forwarding == contract::Forwarding::kNat ||
         listener.forwarding == contract::Forwarding::kFullnat;
}

bool is_of_one_family(const Listener& listener) {
  return listener.forwarding == contract::Forwarding::kDsr || is_translated(listener);
}

std::set<Endpoint> endpoints_of(const Entry* pool) {
  std::set<Endpoint> endpoints;
  if (pool)
    for (const auto& backend : pool->as<Pool>().backends)
      if (const auto to = literal_endpoint(backend)) endpoints.insert(*to);
  return endpoints;
}

// By nat an answer says by where it comes from alone which listener's it is.
void Checks::check_answers(const db::ObjectKey& object, const std::string& pointer, const Entry& listener) {
  const auto& as_listener = listener.as<Listener>();
  if (as_listener.forwarding != contract::Forwarding::kNat) return;
  const auto endpoints = endpoints_of(model_.find(key_of(Kind::kPool, *as_listener.pool)));
  for (const auto* other : model_.all(Kind::kListener)) {
    const auto& as_other = other->as<Listener>();
    if (other->key == listener.key || as_other.forwarding != contract::Forwarding::kNat ||
        as_other.protocol != as_listener.protocol)
      continue;
    for (const auto& endpoint : endpoints_of(model_.find(key_of(Kind::kPool, *as_other.pool))))
      if (endpoints.contains(endpoint))
        add_conflict(object, pointer, "backend_taken",
                     endpoint.to_string() + " is a backend of " + other->key.to_string() +
                         " by nat as well as of " + listener.key.to_string() +
                         ": nothing in its answers would say whose they are; use fullnat, or another port");
  }
}

// What l4 can't forward to. `object` is what has been changed, the listener or its pool.
void Checks::check_forwarded(const db::ObjectKey& object, const std::string& pointer, const Entry& listener) {
  const auto& as_listener = listener.as<Listener>();
  const auto* pool = model_.find(key_of(Kind::kPool, *as_listener.pool));
  if (!pool) return;  // a missing reference, said elsewhere
  for (const auto& backend : pool->as<Pool>().backends) {
    const auto name = contract::health_member(backend.host, backend.port) + " of " + pool->key.to_string();
    const auto to = literal_endpoint(backend);
    if (!to)
      add(object, pointer, "unsupported",
          name + " is a name: " + listener.key.to_string() + " forwards packets, to addresses only");
    else if (is_of_one_family(as_listener) && to->address.is_v6() != as_listener.address.is_v6())
      add(object, pointer, "invalid_value",
          name + " is of another address family than " + listener.key.to_string());
    else if (backend.port != as_listener.port && !is_translated(as_listener))
      add(object, pointer, "invalid_value",
          name + " has another port than " + listener.key.to_string() +
              ": packets arrive unchanged, on the listener's address and port");
  }
  if (pool->as<Pool>().failover_percent != 0)
    add(object, pointer, "unsupported",
        pool->key.to_string() + " has a failover_percent: to " + listener.key.to_string() +
            " a priority serves while any of its backends is usable");
  check_answers(object, pointer, listener);
}

void Checks::check_listener(const Entry& entry) {
  check_place(entry);
  if (entry.as<Listener>().pool) {
    check_forwarded(entry.key, "/pool", entry);
    for (const auto& key : model_.referrers(entry.key))
      if (!is_changed(key))
        add(entry.key, "/protocol", "protocol_mismatch",
            key.to_string() +
                " is attached, and a listener that ends on a pool takes neither routes nor "
                "policies");
    return;
  }
  check_trust(entry);
  for (const auto& key : model_.referrers(entry.key)) {
    if (key.kind != Kind::kRoute || is_changed(key)) continue;
    const auto& route = *model_.find(key);
    if (!may_attach({route, entry}))
      add(entry.key, "/namespaces", "not_allowed", key.to_string() + " is attached: detach it first");
    if (!shares_hostname({route, entry}))
      add(entry.key, "/hostname", "hostname_mismatch",
          key.to_string() + " is attached and serves none of these");
    if (!keeps_route(route, entry))
      add(entry.key, "/protocol", "protocol_mismatch",
          key.to_string() + " is attached, and " +
              (passes_tls(entry) ? "does not fit where TLS passes through"
                                 : "to a listener of protocol tls too"));
    check_hop(entry.key, "/shard", space(key.namespace_name), entry.as<Listener>());
  }
}

// Its nodes may be others now: the hops from and to it.
void Checks::check_shard(const Entry& entry) {
  for (const auto& user : model_.referrers(entry.key)) {
    if ((user.kind != Kind::kNamespace && user.kind != Kind::kListener) || is_changed(user)) continue;
    for (const auto& key : model_.referrers(user)) {
      if (key.kind != Kind::kRoute || is_changed(key)) continue;
      for (const auto& listener_name : model_.find(key)->as<Route>().listeners) {
        const auto* listener = model_.find(Kind::kListener, listener_name);
        if (listener && !is_changed(listener->key))
          check_hop(entry.key, "/nodes", space(key.namespace_name), listener->as<Listener>());
      }
    }
  }
}

void Checks::check_namespace(const Entry& entry) {
  const auto& name = entry.key.name;
  for (const auto& key : model_.referrers(entry.key)) {
    if (key.kind == Kind::kRoute && !is_changed(key)) {
      const auto& route = model_.find(key)->as<Route>();
      const bool claimed =
          route.hostnames.empty()
              ? claims(name, "")
              : std::all_of(route.hostnames.begin(), route.hostnames.end(),
                            [&](const std::string& hostname) { return claims(name, hostname); });
      if (!claimed)
        add(entry.key, "/hostnames", "not_claimed", key.to_string() + " serves others: change it first");
      for (const auto& listener_name : route.listeners) {
        const auto* listener = model_.find(Kind::kListener, listener_name);
        if (listener && !is_changed(listener->key))
          check_hop(entry.key, "/shard", &entry.as<Namespace>(), listener->as<Listener>());
      }
    }
    if (key.kind == Kind::kCertificate || key.kind == Kind::kSecret) check_grants_of(entry.key, key);
    if (key.kind != Kind::kPool) continue;
    for (const auto& user : model_.referrers(key))
      if (user.kind == Kind::kRoute && !is_changed(user) &&
          !is_granted(user.namespace_name, {key.namespace_name, key.name}))
        add(entry.key, "/grants", "not_granted", user.to_string() + " forwards to " + key.to_string());
  }
}

void Checks::check_grants_of(const db::ObjectKey& namespace_key, const db::ObjectKey& key) {
  for (const auto& user : model_.referrers(key))
    if (!is_changed(user) && !is_granted(user, key))
      add(namespace_key, "/grants", "not_granted", user.to_string() + " uses " + key.to_string());
}

Problems Checks::run() && {
  for (const auto& key : changed_) {
    const auto* entry = model_.find(key);
    if (!entry) {
      check_removed(key);
      continue;
    }
    check_references(*entry);
    if (key.kind == Kind::kRoute) check_route(*entry);
    if (key.kind == Kind::kListener) check_listener(*entry);
    if (key.kind == Kind::kNamespace) check_namespace(*entry);
    if (key.kind == Kind::kShard) check_shard(*entry);
    if (key.kind == Kind::kPool) check_pool(*entry);
    if (key.kind == Kind::kPolicy) check_policy(*entry);
    if (key.kind == Kind::kSecret) check_secret(*entry);
  }
  return std::move(problems_);
}

}  // namespace

Problems check(const Model& model, const Keys& changed) { return Checks(model, changed).run(); }

}  // namespace headgate::compile
