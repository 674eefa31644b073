// SPDX-License-Identifier: Apache-2.0
// RouteTable: which neighbour on the uplink a packet for any address goes to: what targets answer through us
// finds its way to clients by it. The kernel's routes and neighbours as they were when it was built.
// Immutable. Threads: built by control, read by all workers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/mac_address.hpp"
#include "dataplane/l4/frozen_map.hpp"
#include "dataplane/l4/prefix_table.hpp"
#include "dataplane/l4/service_key.hpp"

namespace headgate::l4 {

enum class RouteKind : uint8_t {
  kNowhere,    // there is no way, or it leads by another link
  kHost,       // an address of this machine
  kNeighbour,  // on the link itself
  kGateway,
};

// By prefix alone: changes seldom, and is shared by tables that differ in neighbours.
class Routes {
 public:
  struct Entry {
    Prefix destination;
    RouteKind kind = RouteKind::kNowhere;
    IpAddress gateway = {};  // of kGateway; of either family (RFC 5549)
  };
  Routes() = default;
  explicit Routes(const std::vector<Entry>& entries);

 private:
  friend class RouteTable;
  struct Way {
    RouteKind kind = RouteKind::kNowhere;
    uint32_t gateway = 0;  // index
  };
  PrefixTable v4_;
  PrefixTable v6_;
  std::vector<Way> ways_{Way{}};     // by the tables' values; the first: of no prefix
  std::vector<IpAddress> gateways_;  // each once
};

class RouteTable {
 public:
  using Neighbours = std::vector<std::pair<IpAddress, MacAddress>>;

  RouteTable() : RouteTable(std::make_shared<const Routes>(), {}) {}
  RouteTable(std::shared_ptr<const Routes> routes, const Neighbours& neighbours);

  struct Way {
    RouteKind kind = RouteKind::kNowhere;
    uint64_t mac = 0;  // for store_mac(); 0: the neighbour is not known
  };
  Way find(Be32 address) const {
    return way(routes_->v4_.find(address), [&] { return neighbours_v4_.find({address, {}}); });
  }
  Way find(const Ipv6Bytes& address) const {
    return way(routes_->v6_.find(address), [&] { return neighbours_v6_.find({address}); });
  }

 private:
  template <typename FindNeighbour>
  Way way(uint32_t found, FindNeighbour find_neighbour) const {
    const Routes::Way& by = routes_->ways_[found];
    if (by.kind == RouteKind::kGateway) return {by.kind, gateway_macs_[by.gateway]};
    if (by.kind != RouteKind::kNeighbour) return {by.kind, 0};
    const uint64_t* mac = find_neighbour();
    return {by.kind, mac == nullptr ? 0 : *mac};
  }

  std::shared_ptr<const Routes> routes_;
  std::vector<uint64_t> gateway_macs_;  // by index
  FrozenMap<AddressKeyV4, uint64_t> neighbours_v4_;
  FrozenMap<AddressKeyV6, uint64_t> neighbours_v6_;
};

}  // namespace headgate::l4
