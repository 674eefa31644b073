// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/pool_table.hpp"

#include <algorithm>
#include <map>

#include "dataplane/l7/affinity.hpp"

namespace headgate::l7 {
namespace {

struct Expanded {
  uint64_t weight = 0;
  bool usable = true;
  bool drain = false;
  uint32_t priority = 0;
  std::string tls_name = {};
};

std::string tls_name_of(const contract::Pool& pool, const contract::Backend& backend) {
  if (!pool.tls) return {};
  return pool.tls->server_name.empty() ? backend.host : pool.tls->server_name;
}

// The addresses of all backends. Two backends with one address are one endpoint with both weights and the
// priority that comes first, under the name of the first.
std::map<Endpoint, Expanded> expand(const contract::Pool& pool, const contract::HealthView& health) {
  std::map<Endpoint, Expanded> addresses;
  const auto add = [&](const Endpoint& address, const contract::Backend& backend, bool usable) {
    const bool takes_no_new = backend.drain || backend.weight == 0;
    const auto [at, is_new] = addresses.try_emplace(
        address, Expanded{0, usable, takes_no_new, backend.priority, tls_name_of(pool, backend)});
    auto& expanded = at->second;
    if (!is_new && !takes_no_new)
      expanded.priority = expanded.drain ? backend.priority : std::min(expanded.priority, backend.priority);
    if (!takes_no_new) expanded.weight += backend.weight;
    if (!is_new) expanded.drain = expanded.drain && takes_no_new;
  };
  // Usable as long as the socket is there: connections wait in it for a replica that serves.
  if (!pool.hop_to.empty()) return {{Endpoint{}, Expanded{.weight = 1, .usable = true, .drain = false}}};
  for (const auto& backend : pool.backends) {
    const auto known = health.find({pool.uid, contract::health_member(backend.host, backend.port)});
    if (known != health.end()) {
      for (const auto& seen : known->second.endpoints) add(seen.endpoint, backend, seen.usable);
    } else if (const auto literal = IpAddress::parse(backend.host)) {
      add({*literal, backend.port}, backend, true);
    }
  }
  return addresses;
}

bool by_address(const ServingEndpoint& a, const Endpoint& b) { return a.endpoint->address < b; }

const ServingEndpoint* find_address(const ServingPool& pool, const Endpoint& address) {
  const auto at = std::lower_bound(pool.all.begin(), pool.all.end(), address, by_address);
  return at != pool.all.end() && at->endpoint->address == address ? &*at : nullptr;
}

// Since when it has been usable. What a pool begins with always was: nobody was there to take its load.
TimePoint usable_since(const ServingPool* previous, const ServingEndpoint* known, bool usable,
                       TimePoint now) {
  if (!previous) return kLongAgo;
  return known && (known->usable || !usable) ? known->usable_since : now;
}

ThreadLimits limits_of(const contract::CircuitBreaker& breaker, std::size_t threads) {
  const auto part = [&](uint32_t limit) {
    return limit == 0 ? 0 : std::max(1u, limit / static_cast<uint32_t>(threads));
  };
  return {part(breaker.connections_max), part(breaker.pending_max), part(breaker.requests_max)};
}

}  // namespace

bool ServingPool::serves(const PoolEndpoint& endpoint) const {
  const auto* const known = find_address(*this, endpoint.address);
  return known && known->endpoint.get() == &endpoint;
}

const ServingEndpoint* ServingPool::find_affine(uint64_t affinity) const {
  const auto at = std::lower_bound(by_affinity.begin(), by_affinity.end(), std::pair{affinity, uint32_t{0}});
  return at != by_affinity.end() && at->first == affinity ? &all[at->second] : nullptr;
}

ServingPoolPtr compile_pool(std::shared_ptr<const contract::Pool> pool, PoolIdentityPtr identity,
                            const contract::HealthView& health, const ServingPool* previous,
                            Keeper<PoolEndpoint>& endpoints, TimePoint now) {
  auto serving = std::make_shared<ServingPool>();
  serving->object = std::move(pool);
  serving->identity = std::move(identity);
  serving->limits = limits_of(serving->object->circuit_breaker, endpoints.thread_count());
  for (const auto& [address, expanded] : expand(*serving->object, health)) {
    const ServingEndpoint* known = previous ? find_address(*previous, address) : nullptr;
    const auto& object = *serving->object;
    // Its connections speak one protocol, to one name, and begin alike: a change of these is another
    // endpoint.
    const bool stays = known && known->endpoint->protocol == object.protocol &&
                       known->endpoint->tls_name == expanded.tls_name &&
                       known->endpoint->proxy_protocol == object.proxy_protocol;
    auto text = object.hop_to.empty() ? address.to_string() : "shard/" + object.hop_to;
    const uint64_t affinity = affinity_of(serving->identity->uid, text);
    auto endpoint = stays
                        ? known->endpoint
                        : endpoints.keep({serving->identity, address, std::move(text), object.protocol, 0,
                                          affinity, object.hop_to, expanded.tls_name, object.proxy_protocol});
    const auto weight = static_cast<uint32_t>(std::min<uint64_t>(expanded.weight, UINT32_MAX));
    const TimePoint since = usable_since(previous, known, expanded.usable, now);
    serving->by_affinity.emplace_back(affinity, static_cast<uint32_t>(serving->all.size()));
    serving->all.push_back(
        {std::move(endpoint), weight, expanded.usable, expanded.drain, expanded.priority, since});
    serving->last_usable_since = std::max(serving->last_usable_since, since);
  }
  std::sort(serving->by_affinity.begin(), serving->by_affinity.end());
  build_levels(*serving, previous);
  return serving;
}

PoolTable PoolTable::with(std::span<const Change> changes) const {
  auto pages = pages_ ? std::make_shared<Pages>(*pages_) : std::make_shared<Pages>();
  std::map<std::size_t, std::shared_ptr<Page>> changed;
  for (const auto& change : changes) {
    const std::size_t index = change.slot / kPagePools;
    if (pages->size() <= index) pages->resize(index + 1);
    auto& page = changed[index];
    if (!page) page = (*pages)[index] ? std::make_shared<Page>(*(*pages)[index]) : std::make_shared<Page>();
    (*page)[change.slot % kPagePools] = change.pool;
  }
  for (auto& [index, page] : changed) (*pages)[index] = std::move(page);
  PoolTable next;
  next.pages_ = std::move(pages);
  return next;
}

}  // namespace headgate::l7
