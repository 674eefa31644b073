// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/router.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>
#include <tuple>

namespace headgate::l7 {
namespace {

// Address family, address and port as the key of a look-up.
class EndpointKey {
 public:
  explicit EndpointKey(const Endpoint& endpoint) {
    const auto& address = endpoint.address.bytes();
    std::copy(address.begin(), address.end(), bytes_.begin());
    bytes_[16] = endpoint.address.is_v6() ? '6' : '4';
    bytes_[17] = static_cast<char>(endpoint.port >> 8);
    bytes_[18] = static_cast<char>(endpoint.port & 0xff);
  }
  std::string_view text() const { return {bytes_.data(), bytes_.size()}; }
  uint64_t hash() const { return hash_text(text()); }

 private:
  std::array<char, 19> bytes_;
};

using ListenerPtr = std::shared_ptr<const RoutedListener>;

bool by_name(const ListenerPtr& a, const ListenerPtr& b) {
  return std::tie(a->object->name, a->uid) < std::tie(b->object->name, b->uid);
}

// What the delta says of one kind, by uid; null: removed. As in contract::apply, an upsert wins over a
// removal.
template <typename T>
std::map<std::string_view, std::shared_ptr<const T>> changes_of(const contract::Delta& delta,
                                                                contract::Kind kind) {
  std::map<std::string_view, std::shared_ptr<const T>> changes;
  for (const auto& key : delta.removals)
    if (key.kind == kind) changes.insert_or_assign(key.id, nullptr);
  for (const auto& upsert : delta.upserts)
    if (const T* object = std::get_if<T>(upsert.object.get()))
      changes.insert_or_assign(object->uid, std::shared_ptr<const T>(upsert.object, object));
  return changes;
}

// The delta says something new of one of these policies.
class ChangedPolicies {
 public:
  explicit ChangedPolicies(const contract::Delta& delta) {
    for (const auto& [key, object] : delta.upserts)
      if (key.kind == contract::Kind::kPolicy) uids_.insert(key.id);
    for (const auto& key : delta.removals)
      if (key.kind == contract::Kind::kPolicy) uids_.insert(key.id);
  }
  bool empty() const { return uids_.empty(); }
  bool any_of(const std::vector<std::string>& policies) const {
    return std::any_of(policies.begin(), policies.end(),
                       [&](const std::string& uid) { return uids_.contains(uid); });
  }

 private:
  std::set<std::string_view> uids_;
};

// The same list where nothing of it has changed.
policy::PolicyListPtr list_of(const contract::Listener* listener, const policy::PolicyListPtr& before,
                              const PlanMaker& maker) {
  if (!listener || listener->policies.empty()) return nullptr;
  auto list = policy::make_policy_list(maker.policies(listener->policies), {});
  if (before && before->same_as(list)) return before;
  return maker.lists.keep(std::move(list));
}

}  // namespace

// A match that comes to or goes from one hostname of one listener. Views into the CompiledRoute.
struct Router::Edit {
  std::string_view listener;
  const HostPattern* hostname = nullptr;
  PathTable::Change change;

  friend bool operator<(const Edit& a, const Edit& b) {
    return std::tie(a.listener, *a.hostname) < std::tie(b.listener, *b.hostname);
  }
};

struct Router::ListenerChange {
  ListenerPtr before;  // null: was not there
  ListenerPtr after;   // null: is gone
};

Router Router::with(const contract::Delta& delta, const PlanMaker& maker) const {
  Router next = delta.base == 0 ? Router{} : *this;
  // Edits point into routes that are gone in `next`; *this still holds them.
  auto edits = next.change_routes(delta, *this, maker);
  next.change_reached(next.change_listeners(delta, std::move(edits), maker));
  return next;
}

std::vector<Router::Edit> Router::change_routes(const contract::Delta& delta, const Router& previous,
                                                const PlanMaker& maker) {
  std::vector<Edit> edits;
  const auto edit = [&](const CompiledRoutePtr& route, const CompiledRoutePtr& holder) {
    for (const auto& listener : route->place->listeners)
      for (const auto& hostname : route->hostnames)
        for (const auto& match : route->matches) edits.push_back({listener, &hostname, {&match, holder}});
  };
  std::vector<SharedMap<CompiledRoute>::Change> changes;
  const auto change = [&](uint64_t hash, std::string_view uid, const CompiledRoutePtr& after) {
    const auto before = routes_.find_shared(hash, uid);
    if (before) edit(before, nullptr);
    if (after) edit(after, after);
    changes.push_back({hash, after ? after->key() : uid, after});
  };
  const auto objects = changes_of<contract::Route>(delta, contract::Kind::kRoute);
  for (const auto& [uid, object] : objects) {
    const uint64_t hash = hash_text(uid);
    // A full delta forgets the tables, but a rule that it brings again keeps its plan.
    change(hash, uid, object ? compile_route(*object, previous.routes_.find(hash, uid), maker) : nullptr);
  }
  // Those that stay, but are under a policy that changes.
  if (const ChangedPolicies policies(delta); !policies.empty())
    routes_.for_each([&](const CompiledRoute& route) {
      if (policies.any_of(route.place->policies) && !objects.contains(route.uid))
        change(hash_text(route.uid), route.uid, with_policies(route, maker));
    });
  routes_ = routes_.with(std::move(changes));
  return edits;
}

// `edits`: those of one listener, sorted.
HostTable<PathTable> Router::with_edits(const HostTable<PathTable>& hosts, std::span<const Edit> edits) {
  std::vector<HostTable<PathTable>::Change> changes;
  for (auto first = edits.begin(); first != edits.end();) {
    const HostPattern& hostname = *first->hostname;
    std::vector<PathTable::Change> same_host;
    for (; first != edits.end() && *first->hostname == hostname; ++first) same_host.push_back(first->change);
    changes.push_back({hostname, hosts.find(hostname).with(std::move(same_host))});
  }
  return hosts.with(changes);
}

std::vector<Router::ListenerChange> Router::change_listeners(const contract::Delta& delta,
                                                             std::vector<Edit> edits,
                                                             const PlanMaker& maker) {
  std::sort(edits.begin(), edits.end());
  auto objects = changes_of<contract::Listener>(delta, contract::Kind::kListener);
  if (const ChangedPolicies policies(delta); !policies.empty())
    listeners_.for_each([&](const RoutedListener& known) {
      if (known.object && policies.any_of(known.object->policies))
        objects.try_emplace(known.uid, known.object);
    });
  std::map<std::string_view, std::span<const Edit>> work;
  for (const auto& [uid, object] : objects) work[uid] = {};
  for (auto first = edits.begin(); first != edits.end();) {
    const auto last =
        std::find_if(first, edits.end(), [&](const Edit& edit) { return edit.listener != first->listener; });
    work[first->listener] = {&*first, static_cast<std::size_t>(last - first)};
    first = last;
  }
  std::vector<ListenerChange> changes;
  std::vector<SharedMap<RoutedListener>::Change> entries;
  for (const auto& [uid, listener_edits] : work) {
    const uint64_t hash = hash_text(uid);
    const auto before = listeners_.find_shared(hash, uid);
    auto next = before ? *before : RoutedListener{std::string(uid), nullptr, std::nullopt, nullptr, {}};
    if (const auto object = objects.find(uid); object != objects.end()) next.object = object->second;
    next.hostname = next.object ? HostPattern::parse(next.object->hostname) : std::nullopt;
    next.policies = list_of(next.object.get(), next.policies, maker);
    next.hosts = with_edits(next.hosts, listener_edits);
    const bool gone = !next.object && next.hosts.empty();
    const auto after = gone ? nullptr : std::make_shared<const RoutedListener>(std::move(next));
    entries.push_back({hash, uid, after});
    changes.push_back({before, after});
  }
  listeners_ = listeners_.with(std::move(entries));
  return changes;
}

void Router::change_reached(const std::vector<ListenerChange>& changes) {
  struct Work {
    std::vector<ListenerPtr> gone;
    std::vector<ListenerPtr> come;
  };
  std::map<Endpoint, Work> work;
  // A copy of another shard's is found by its uid alone.
  const auto is_reached = [](const ListenerPtr& listener) {
    return listener && listener->object && listener->object->hop_from.empty();
  };
  const auto reached_by = [](const ListenerPtr& listener) {
    return Endpoint{listener->object->address, listener->object->port};
  };
  for (const auto& [before, after] : changes) {
    if (is_reached(before)) work[reached_by(before)].gone.push_back(before);
    if (is_reached(after)) work[reached_by(after)].come.push_back(after);
  }
  std::vector<SharedMap<Reached>::Change> entries;
  for (const auto& [endpoint, listeners] : work) {
    const EndpointKey key(endpoint);
    const Reached* known = reached_.find(key.hash(), key.text());
    auto next =
        std::make_shared<Reached>(known ? *known : Reached{std::string(key.text()), {}, {}, {}, false});
    next->replace(listeners.gone, listeners.come);
    if (!next->all.empty()) {
      entries.push_back({key.hash(), next->key(), next});
    } else if (known) {
      entries.push_back({key.hash(), known->key(), nullptr});
    }
  }
  reached_ = reached_.with(std::move(entries));
}

void Router::Reached::replace(const std::vector<ListenerPtr>& gone, const std::vector<ListenerPtr>& come) {
  std::set<HostPattern> hostnames;
  for (const auto& listener : gone) {
    std::erase(all, listener);
    std::erase(trusting, listener);
    if (listener->hostname) hostnames.insert(*listener->hostname);
  }
  for (const auto& listener : come) {
    all.insert(std::upper_bound(all.begin(), all.end(), listener, by_name), listener);
    if (!listener->object->trusted_proxies.empty()) trusting.push_back(listener);
    if (listener->hostname) hostnames.insert(*listener->hostname);
  }
  std::vector<HostTable<ListenerPtr>::Change> changes;
  for (const auto& hostname : hostnames) {
    const auto first = std::find_if(
        all.begin(), all.end(), [&](const ListenerPtr& listener) { return listener->hostname == hostname; });
    changes.push_back({hostname, first == all.end() ? nullptr : *first});
  }
  by_hostname = by_hostname.with(changes);
  passes_tls = std::any_of(all.begin(), all.end(), [](const ListenerPtr& listener) {
    return listener->object->protocol == contract::Protocol::kTls;
  });
}

const RoutedListener* Router::listener(const Endpoint& reached, std::string_view host) const {
  const EndpointKey key(reached);
  const Reached* here = reached_.find(key.hash(), key.text());
  const RoutedListener* found = nullptr;
  if (here)
    here->by_hostname.visit(host, [&](const ListenerPtr& listener) {
      found = listener.get();
      return true;
    });
  return found;
}

Outcome Router::without_listener(const Endpoint& reached) const {
  const EndpointKey key(reached);
  return reached_.find(key.hash(), key.text()) ? Outcome::kNoListener : Outcome::kListenerGone;
}

PeerTrust Router::trust_of(const Endpoint& reached, const IpAddress& peer) const {
  const EndpointKey key(reached);
  const Reached* here = reached_.find(key.hash(), key.text());
  if (!here || here->trusting.empty()) return PeerTrust::kNone;
  const bool is_trusted =
      std::any_of(here->trusting.begin(), here->trusting.end(), [&](const ListenerPtr& listener) {
        const auto& trusted = listener->object->trusted_proxies;
        return std::any_of(trusted.begin(), trusted.end(),
                           [&](const Prefix& prefix) { return prefix.contains(peer); });
      });
  if (!is_trusted) return PeerTrust::kNone;
  // All listeners there say the same of it (mgmt/compile sees to that).
  return here->all.front()->object->proxy_protocol ? PeerTrust::kSpeaksProxy : PeerTrust::kForwards;
}

bool Router::passes_tls(const Endpoint& reached) const {
  const EndpointKey key(reached);
  const Reached* here = reached_.find(key.hash(), key.text());
  return here && here->passes_tls;
}

const RoutedListener* Router::hop_listener(std::string_view uid) const {
  const RoutedListener* found = listeners_.find(hash_text(uid), uid);
  return found && found->object && !found->object->hop_from.empty() ? found : nullptr;
}

RouteMatch Router::match(const RoutedListener& listener, const RequestHead& request) {
  const CompiledMatch* match = nullptr;
  listener.hosts.visit(request.host, [&](const PathTable& table) {
    match = table.match(request);
    return match != nullptr;
  });
  if (!match) return {Outcome::kNoRule, nullptr, nullptr};
  return {Outcome::kFound, match->plan.get(), match};
}

}  // namespace headgate::l7
