// SPDX-License-Identifier: Apache-2.0
// Addresses of the machine's interfaces. Thread: the socket's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/netlink/links.hpp"

namespace headgate::netlink {

struct LinkAddress {
  int link_index = 0;
  IpAddress address;
  uint8_t prefix_bits = 0;
  bool deprecated = false;  // preferred_lft 0: never chosen as a source address
  bool link_local = false;  // of IPv6, made by the kernel

  friend bool operator==(const LinkAddress&, const LinkAddress&) = default;
};

Result<std::vector<LinkAddress>> list_addresses(Socket& socket);
// For ever, and without duplicate address detection, which would keep an IPv6 address unusable for a second.
// One that is there already is no error; its prefix and lifetimes become these.
Result<void> put_address(Socket& socket, const Link& link, const LinkAddress& address);
Result<void> remove_address(Socket& socket, const Link& link, const LinkAddress& address);

}  // namespace headgate::netlink
