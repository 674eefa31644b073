// SPDX-License-Identifier: Apache-2.0
// What the network of a node should be and what has to change for it. Pure; Network acts on it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/netlink/addresses.hpp"
#include "dataplane/netlink/routes.hpp"

namespace headgate::node {

inline constexpr const char* kHostPort = "hg0";       // the kernel's end: addresses, routes, everything
inline constexpr const char* kHostPortPeer = "hg0p";  // l4's end

// An address of the machine itself with its network: "192.0.2.10/24".
struct HostAddress {
  IpAddress address;
  uint8_t prefix_bits = 0;

  static std::optional<HostAddress> parse(std::string_view text);
  friend bool operator==(const HostAddress&, const HostAddress&) = default;
};

struct WantedNetwork {
  std::vector<HostAddress> host_addresses;
  std::vector<IpAddress> gateways;  // at most one of a family
  std::set<IpAddress> vips;
  std::set<IpAddress> local_addresses;
};

struct AddressChanges {
  std::vector<netlink::LinkAddress> put, remove;
};

// Of hg0: VIPs are deprecated addresses of full length, and such an address that nobody wants was one. Others
// are an operator's, a routing daemon's or the kernel's: they stay.
AddressChanges host_port_changes(const WantedNetwork& wanted,
                                 const std::vector<netlink::LinkAddress>& present, int link_index);
// Of lo: adds only.
AddressChanges loopback_changes(const WantedNetwork& wanted, const std::vector<netlink::LinkAddress>& present,
                                int link_index);
// The default routes by hg0 that are missing.
std::vector<netlink::Route> missing_routes(const WantedNetwork& wanted,
                                           const std::vector<netlink::Route>& present, int link_index);

// Why an interface must not become the uplink, as a sentence that says what to do; empty where it may.
// `session_addresses`: this machine's ends of ssh sessions.
std::string why_no_uplink(const netlink::Link& uplink, const WantedNetwork& wanted,
                          const std::vector<netlink::LinkAddress>& addresses,
                          const std::vector<netlink::Route>& routes,
                          const std::set<IpAddress>& session_addresses);

bool is_pci_address(std::string_view device);  // "0000:03:00.0" or "03:00.0"
// This machine's addresses at which established TCP connections of a port end, from the text of
// /proc/net/tcp or tcp6 (proc(5)).
std::set<IpAddress> addresses_with_connections(std::string_view proc_net_tcp, uint16_t port);

}  // namespace headgate::node
