// SPDX-License-Identifier: Apache-2.0
// PoolTable: the pools of a shard with what may be chosen in each now: backends expanded to addresses, less
// what is draining or down. Immutable; a change of one pool, or of the health of its backends, shares all
// other pools with the table before. Threads: with() the control thread; look-ups and choose_endpoint() any.
//
// A PoolEndpoint is one address of a pool, spoken to by one protocol and under one name, for as long as any
// table or Pin holds it: outstanding requests and upstream connections are counted by its slot and survive
// every change of the tables around it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/objects.hpp"
#include "dataplane/l7/outcome.hpp"
#include "dataplane/l7/pins.hpp"
#include "dataplane/l7/pool_level.hpp"
#include "dataplane/l7/route_plan.hpp"

namespace headgate::l7 {

struct PoolEndpoint {
  using Cell = EndpointCell;

  PoolIdentityPtr pool;
  Endpoint address;
  std::string text;  // "192.0.2.1:80", for logs
  contract::PoolProtocol protocol = contract::PoolProtocol::kHttp1;
  uint32_t slot = 0;          // the cell's tally: requests outstanding on this thread
  uint64_t affinity = 0;      // what a cookie calls it (affinity.hpp)
  std::string hop_to = {};    // the shard whose hop socket it is, in the place of an address; else empty
  std::string tls_name = {};  // a DNS name or an address, under which TLS is spoken to it; empty: plain
  std::optional<contract::ProxyVersion> proxy_protocol = {};  // of the header that its connections begin with
};
using PoolEndpointPtr = std::shared_ptr<const PoolEndpoint>;
using PoolEndpointPin = Pin<PoolEndpoint>;

struct ServingEndpoint {
  PoolEndpointPtr endpoint;
  uint32_t weight = 1;
  bool usable = true;  // until it is proved down
  bool drain = false;
  uint32_t priority = 0;
  TimePoint usable_since = kLongAgo;
};

// The part of a breaker's limits that one thread has; 0: no limit.
struct ThreadLimits {
  uint32_t connections_max = 0;
  uint32_t waiting_max = 0;
  uint32_t requests_max = 0;
};

struct ServingPool {
  std::shared_ptr<const contract::Pool> object;
  PoolIdentityPtr identity;
  std::vector<ServingEndpoint> all;                          // sorted by address
  std::vector<PoolLevel> levels;                             // by priority; without those that only drain
  std::size_t level = 0;                                     // that serves, by health; levels.size(): none
  bool tries_all = false;                                    // all are down, and are tried nevertheless
  TimePoint last_usable_since = kLongAgo;                    // of any: slow start is over a window after it
  std::vector<std::pair<uint64_t, uint32_t>> by_affinity{};  // sorted: affinity, position in `all`
  ThreadLimits limits;

  bool serves(const PoolEndpoint& endpoint) const;              // also while it is down or drains
  const ServingEndpoint* find_affine(uint64_t affinity) const;  // also then; null where there is none
};
using ServingPoolPtr = std::shared_ptr<const ServingPool>;

// `previous` (may be null) is the same pool before: addresses that stay keep their identity, and what has
// become usable since then counts as that from `now` on.
ServingPoolPtr compile_pool(std::shared_ptr<const contract::Pool> pool, PoolIdentityPtr identity,
                            const contract::HealthView& health, const ServingPool* previous,
                            Keeper<PoolEndpoint>& endpoints, TimePoint now);

class PoolTable {
 public:
  struct Change {
    uint32_t slot = 0;
    ServingPoolPtr pool;  // null: removed
  };
  [[nodiscard]] PoolTable with(std::span<const Change> changes) const;

  // Null where the pool is gone.
  const ServingPool* find(const PoolIdentity& identity) const {
    const std::size_t page = identity.slot / kPagePools;
    return pages_ && page < pages_->size() && (*pages_)[page]
               ? (*(*pages_)[page])[identity.slot % kPagePools].get()
               : nullptr;
  }

  // Whether the newest tables still know this endpoint: if not, its idle connections are of no use.
  bool serves(const PoolEndpoint& endpoint) const {
    const auto* pool = find(*endpoint.pool);
    return pool && pool->serves(endpoint);
  }

 private:
  static constexpr std::size_t kPagePools = 64;
  using Page = std::array<ServingPoolPtr, kPagePools>;
  using Pages = std::vector<std::shared_ptr<const Page>>;

  std::shared_ptr<const Pages> pages_;
};

}  // namespace headgate::l7
