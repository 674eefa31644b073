// SPDX-License-Identifier: Apache-2.0
// FamilyV4 and FamilyV6: what differs between the two address families on the packet path, so that the path
// itself is written once. Values; any thread.
#pragma once

#include <algorithm>

#include "dataplane/core/flow_key.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/fragment_table.hpp"
#include "dataplane/l4/l4_table.hpp"

namespace headgate::l4 {

struct FamilyV4 {
  using Header = Ipv4Header;
  using Key = FlowKeyV4;
  using Client = ClientKeyV4;
  using Address = Be32;

  using Side = Rewrite::SideV4;

  static ServiceKeyV4 service(Be32 address, Be16 port, uint8_t protocol) {
    return {address, port, protocol, 0};
  }
  static AddressKeyV4 address(Be32 address) { return {address, Be32(0)}; }
  static Be32 bytes_of(const IpAddress& address) { return Be32(address.v4_host_order()); }
  static IpAddress to_address(Be32 address) { return IpAddress::v4(address.host()); }
  static FragmentKey fragment(const Header& ip, uint32_t id) {
    // RFC 791: an id is told from others by the protocol too.
    FragmentKey key{.id = id, .family = 4u | uint32_t{ip.protocol} << 8};
    std::memcpy(key.src.data(), &ip.src, sizeof ip.src);
    std::memcpy(key.dst.data(), &ip.dst, sizeof ip.dst);
    return key;
  }
};

struct FamilyV6 {
  using Header = Ipv6Header;
  using Key = FlowKeyV6;
  using Client = ClientKeyV6;
  using Address = Ipv6Bytes;

  using Side = Rewrite::SideV6;

  static ServiceKeyV6 service(const Ipv6Bytes& address, Be16 port, uint8_t protocol) {
    return {address, port, protocol, {}};
  }
  static AddressKeyV6 address(const Ipv6Bytes& address) { return {address}; }
  static const Ipv6Bytes& bytes_of(const IpAddress& address) { return address.bytes(); }
  static IpAddress to_address(const Ipv6Bytes& address) { return IpAddress::v6(address); }
  static FragmentKey fragment(const Header& ip, uint32_t id) {
    return {.src = ip.src, .dst = ip.dst, .id = id, .family = 6};
  }
};

}  // namespace headgate::l4
