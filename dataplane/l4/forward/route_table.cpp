// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/route_table.hpp"

#include <map>

#include "dataplane/core/packet_headers.hpp"

namespace headgate::l4 {

Routes::Routes(const std::vector<Entry>& entries) {
  std::vector<std::pair<Prefix, uint32_t>> v4;
  std::vector<std::pair<Prefix, uint32_t>> v6;
  std::map<std::pair<RouteKind, uint32_t>, uint32_t> values;  // few ways for many prefixes
  std::map<IpAddress, uint32_t> gateways;
  for (const Entry& entry : entries) {
    Way way{entry.kind, 0};
    if (way.kind == RouteKind::kGateway) {
      const auto [gateway, is_new] =
          gateways.try_emplace(entry.gateway, static_cast<uint32_t>(gateways_.size()));
      if (is_new) gateways_.push_back(entry.gateway);
      way.gateway = gateway->second;
    }
    const auto [value, is_new] =
        values.try_emplace({way.kind, way.gateway}, static_cast<uint32_t>(ways_.size()));
    if (is_new) ways_.push_back(way);
    (entry.destination.address.is_v6() ? v6 : v4).emplace_back(entry.destination, value->second);
  }
  v4_ = PrefixTable(v4);
  v6_ = PrefixTable(v6);
}

RouteTable::RouteTable(std::shared_ptr<const Routes> routes, const Neighbours& neighbours)
    : routes_(std::move(routes)) {
  std::vector<std::pair<AddressKeyV4, uint64_t>> v4;
  std::vector<std::pair<AddressKeyV6, uint64_t>> v6;
  std::map<IpAddress, uint64_t> macs;
  for (const auto& [address, mac] : neighbours) {
    macs[address] = load_mac(mac.data());
    if (address.is_v6())
      v6.emplace_back(AddressKeyV6{address.bytes()}, macs[address]);
    else
      v4.emplace_back(AddressKeyV4{Be32(address.v4_host_order()), {}}, macs[address]);
  }
  neighbours_v4_ = FrozenMap<AddressKeyV4, uint64_t>(v4);
  neighbours_v6_ = FrozenMap<AddressKeyV6, uint64_t>(v6);
  for (const auto& gateway : routes_->gateways_) {
    const auto known = macs.find(gateway);
    gateway_macs_.push_back(known == macs.end() ? 0 : known->second);
  }
}

}  // namespace headgate::l4
