// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/network_plan.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <regex>
#include <sstream>

namespace headgate::node {
namespace {

using netlink::LinkAddress;
using netlink::Route;

uint8_t full_bits(const IpAddress& address) { return address.is_v4() ? 32 : 128; }

bool holds(const std::vector<LinkAddress>& present, const LinkAddress& wanted) {
  return std::find(present.begin(), present.end(), wanted) != present.end();
}

// An address as /proc/net/tcp shows it: words of four bytes in the machine's order, in hexadecimal.
std::optional<IpAddress> parse_proc_address(std::string_view hex) {
  if (hex.size() != 8 && hex.size() != 32) return std::nullopt;
  std::array<uint8_t, 16> bytes{};
  for (std::size_t word = 0; word * 8 < hex.size(); ++word) {
    uint32_t value = 0;
    const auto digits = hex.substr(word * 8, 8);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr != digits.data() + 8)
      return std::nullopt;
    for (std::size_t i = 0; i < 4; ++i) bytes[word * 4 + i] = static_cast<uint8_t>(value >> (8 * i));
  }
  if (hex.size() == 32) return IpAddress::v6(bytes);
  return IpAddress::v4(uint32_t{bytes[0]} << 24 | uint32_t{bytes[1]} << 16 | uint32_t{bytes[2]} << 8 |
                       uint32_t{bytes[3]});
}

}  // namespace

std::optional<HostAddress> HostAddress::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return HostAddress{*address, full_bits(*address)};
  const auto digits = text.substr(slash + 1);
  uint8_t bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc() || end != digits.data() + digits.size() || bits > full_bits(*address))
    return std::nullopt;
  return HostAddress{*address, bits};
}

AddressChanges host_port_changes(const WantedNetwork& wanted, const std::vector<LinkAddress>& present,
                                 int link_index) {
  AddressChanges changes;
  std::set<IpAddress> own;
  for (const auto& host : wanted.host_addresses) {
    own.insert(host.address);
    const LinkAddress address{.link_index = link_index,
                              .address = host.address,
                              .prefix_bits = host.prefix_bits,
                              .deprecated = false,
                              .link_local = false};
    if (!holds(present, address)) changes.put.push_back(address);
  }
  for (const auto& vip : wanted.vips) {
    if (own.contains(vip)) continue;  // the machine's own address may be a listener's, too
    const LinkAddress address{.link_index = link_index,
                              .address = vip,
                              .prefix_bits = full_bits(vip),
                              .deprecated = true,
                              .link_local = false};
    if (!holds(present, address)) changes.put.push_back(address);
  }
  for (const auto& address : present) {
    const bool was_vip = address.link_index == link_index && address.deprecated &&
                         address.prefix_bits == full_bits(address.address);
    if (was_vip && !wanted.vips.contains(address.address)) changes.remove.push_back(address);
  }
  return changes;
}

AddressChanges loopback_changes(const WantedNetwork& wanted, const std::vector<LinkAddress>& present,
                                int link_index) {
  AddressChanges changes;
  for (const auto& local : wanted.local_addresses) {
    const bool there = std::any_of(present.begin(), present.end(), [&](const LinkAddress& address) {
      return address.link_index == link_index && address.address == local;
    });
    if (!there)
      changes.put.push_back({.link_index = link_index,
                             .address = local,
                             .prefix_bits = full_bits(local),
                             .deprecated = false,
                             .link_local = false});
  }
  return changes;
}

std::vector<Route> missing_routes(const WantedNetwork& wanted, const std::vector<Route>& present,
                                  int link_index) {
  std::vector<Route> missing;
  for (const auto& gateway : wanted.gateways) {
    const auto same = [&](const Route& route) {
      return route.link_index == link_index && route.destination.length_bits == 0 && route.gateway == gateway;
    };
    if (std::any_of(present.begin(), present.end(), same)) continue;
    Route route;
    route.destination = {gateway.is_v4() ? IpAddress::v4(0) : IpAddress::v6({}), 0};
    route.gateway = gateway;
    route.link_index = link_index;
    // The machine's own address, never a VIP, is the source of what it sends itself.
    for (const auto& host : wanted.host_addresses)
      if (!route.source && host.address.is_v4() == gateway.is_v4()) route.source = host.address;
    missing.push_back(std::move(route));
  }
  return missing;
}

std::string why_no_uplink(const netlink::Link& uplink, const WantedNetwork& wanted,
                          const std::vector<LinkAddress>& addresses, const std::vector<Route>& routes,
                          const std::set<IpAddress>& session_addresses) {
  if (uplink.name == kHostPort || uplink.name == kHostPortPeer || uplink.name == "lo")
    return uplink.name + " cannot be the uplink: give the interface that the clients' packets come in by";
  for (const auto& route : routes)
    if (route.link_index == uplink.index && route.destination.length_bits == 0)
      return uplink.name +
             " carries this machine's default route, and taking it would cut the machine off: "
             "use another interface, or remove the route and give it as --host-gateway";
  for (const auto& address : addresses) {
    if (address.link_index != uplink.index || address.link_local) continue;
    const auto text = address.address.to_string() + "/" + std::to_string(address.prefix_bits);
    if (session_addresses.contains(address.address))
      return uplink.name + " carries an ssh session (at " + address.address.to_string() +
             "), and taking it would cut that off: use another interface";
    const HostAddress host{address.address, address.prefix_bits};
    if (std::find(wanted.host_addresses.begin(), wanted.host_addresses.end(), host) ==
        wanted.host_addresses.end())
      return uplink.name + " has the address " + text +
             ", so the kernel would answer beside Headgate: give --host-address " + text +
             " to move it to hg0, or remove it";
  }
  return {};
}

bool is_pci_address(std::string_view device) {
  static const std::regex kPattern("([0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\\.[0-7]");
  return std::regex_match(device.begin(), device.end(), kPattern);
}

std::set<IpAddress> addresses_with_connections(std::string_view proc_net_tcp, uint16_t port) {
  constexpr std::string_view kEstablished = "01";
  std::set<IpAddress> addresses;
  std::istringstream lines{std::string(proc_net_tcp)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string slot, local, remote, state;
    words >> slot >> local >> remote >> state;
    const auto colon = local.find(':');
    if (state != kEstablished || colon == std::string::npos) continue;
    if (std::strtoul(local.c_str() + colon + 1, nullptr, 16) != port) continue;
    if (const auto address = parse_proc_address(local.substr(0, colon))) addresses.insert(*address);
  }
  return addresses;
}

}  // namespace headgate::node
