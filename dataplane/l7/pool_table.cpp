// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/pool_table.hpp"

#include <algorithm>
#include <map>

namespace headgate::l7 {
namespace {

struct Expanded {
  uint64_t weight = 0;
  bool usable = true;
  bool drain = false;
};

// The addresses of all backends. Two backends with one address are one endpoint with both weights.
std::map<Endpoint, Expanded> expand(const contract::Pool& pool, const contract::HealthView& health) {
  std::map<Endpoint, Expanded> addresses;
  const auto add = [&](const Endpoint& address, const contract::Backend& backend, bool usable) {
    const bool takes_no_new = backend.drain || backend.weight == 0;
    const auto [at, is_new] = addresses.try_emplace(address, Expanded{0, usable, takes_no_new});
    if (!takes_no_new) at->second.weight += backend.weight;
    if (!is_new) at->second.drain = at->second.drain && takes_no_new;
  };
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

std::vector<ServingEndpoint> eligible_of(const ServingPool& pool) {
  std::vector<ServingEndpoint> eligible;
  const auto take = [&](auto&& may_serve) {
    std::copy_if(pool.all.begin(), pool.all.end(), std::back_inserter(eligible), may_serve);
  };
  take([](const ServingEndpoint& endpoint) { return endpoint.usable && !endpoint.drain; });
  if (eligible.empty() && pool.object->when_all_down == contract::WhenAllDown::kTryAll)
    take([](const ServingEndpoint& endpoint) { return !endpoint.drain; });
  return eligible;
}

}  // namespace

bool ServingPool::serves(const Endpoint& address) const { return find_address(*this, address) != nullptr; }

ServingPoolPtr compile_pool(std::shared_ptr<const contract::Pool> pool, PoolIdentityPtr identity,
                            const contract::HealthView& health, const ServingPool* previous,
                            Keeper<PoolEndpoint>& endpoints) {
  auto serving = std::make_shared<ServingPool>();
  serving->object = std::move(pool);
  serving->identity = std::move(identity);
  for (const auto& [address, expanded] : expand(*serving->object, health)) {
    const ServingEndpoint* known = previous ? find_address(*previous, address) : nullptr;
    // Its connections speak one protocol: a change of it is another endpoint.
    const bool stays = known && known->endpoint->protocol == serving->object->protocol;
    auto endpoint =
        stays
            ? known->endpoint
            : endpoints.keep({serving->identity, address, address.to_string(), serving->object->protocol, 0});
    const auto weight = static_cast<uint32_t>(std::min<uint64_t>(expanded.weight, UINT32_MAX));
    serving->all.push_back({std::move(endpoint), weight, expanded.usable, expanded.drain});
  }
  serving->eligible = eligible_of(*serving);
  std::vector<uint32_t> weights;
  for (const auto& endpoint : serving->eligible) weights.push_back(endpoint.weight);
  serving->turn = WeightedTurn(weights);
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
