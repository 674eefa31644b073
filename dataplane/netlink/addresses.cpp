// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/addresses.hpp"

#include <cerrno>
#include <limits>

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace headgate::netlink {
namespace {

constexpr uint32_t kForever = std::numeric_limits<uint32_t>::max();

ifaddrmsg body_of(const Link& link, const LinkAddress& address) {
  ifaddrmsg body{};
  body.ifa_family = address.address.is_v4() ? AF_INET : AF_INET6;
  body.ifa_prefixlen = address.prefix_bits;
  body.ifa_index = static_cast<uint32_t>(link.index);
  return body;
}

std::string text_of(const Link& link, const LinkAddress& address) {
  return address.address.to_string() + "/" + std::to_string(address.prefix_bits) + " on " + link.name;
}

}  // namespace

Result<std::vector<LinkAddress>> list_addresses(Socket& socket) {
  std::vector<LinkAddress> addresses;
  Request request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
  auto dumped = socket.dump(request, "listing addresses", [&](const Message& message) {
    const auto body = message.body<ifaddrmsg>();
    if (message.type != RTM_NEWADDR || !body) return;
    const auto attributes = message.attributes<ifaddrmsg>();
    // IFA_LOCAL is our end; IFA_ADDRESS of a point-to-point link is the other. IPv6 as a rule has the latter
    // only.
    const auto local = attributes.address(IFA_LOCAL);
    const auto address = local ? local : attributes.address(IFA_ADDRESS);
    if (!address) return;
    const uint32_t flags = attributes.u32(IFA_FLAGS).value_or(body->ifa_flags);
    addresses.push_back({.link_index = static_cast<int>(body->ifa_index),
                         .address = *address,
                         .prefix_bits = body->ifa_prefixlen,
                         .deprecated = (flags & IFA_F_DEPRECATED) != 0,
                         .link_local = address->is_v6() && body->ifa_scope == RT_SCOPE_LINK});
  });
  if (!dumped.ok()) return std::move(dumped).error();
  return addresses;
}

Result<void> put_address(Socket& socket, const Link& link, const LinkAddress& address) {
  Request request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, body_of(link, address));
  request.put(IFA_LOCAL, address.address).put(IFA_ADDRESS, address.address);
  ifa_cacheinfo lifetimes{};
  lifetimes.ifa_prefered = address.deprecated ? 0 : kForever;
  lifetimes.ifa_valid = kForever;
  request.put_struct(IFA_CACHEINFO, lifetimes);
  if (address.address.is_v6()) request.put(IFA_FLAGS, uint32_t{IFA_F_NODAD});
  return socket.act(request, "putting " + text_of(link, address));
}

Result<void> remove_address(Socket& socket, const Link& link, const LinkAddress& address) {
  Request request(RTM_DELADDR, NLM_F_ACK, body_of(link, address));
  request.put(IFA_LOCAL, address.address);
  return socket.act(request, "removing " + text_of(link, address));
}

}  // namespace headgate::netlink
