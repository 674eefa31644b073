// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/routes.hpp"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "dataplane/core/packet_headers.hpp"

namespace headgate::netlink {
namespace {

// Of IPv4 it may be a neighbour that has an IPv6 address only (RTA_VIA, RFC 5549).
std::optional<IpAddress> gateway_of(const Attributes& attributes) {
  if (const auto gateway = attributes.address(RTA_GATEWAY)) return gateway;
  const auto via = attributes.find(RTA_VIA);
  Ipv6Bytes address;
  if (!via || via->size() != sizeof(rtvia) + sizeof address) return std::nullopt;
  std::memcpy(address.data(), via->data() + sizeof(rtvia), sizeof address);
  return IpAddress::v6(address);
}

// Each hop of RTA_MULTIPATH: a rtnexthop, then its own attributes.
void add_hops(std::vector<Route>& routes, const Route& route, std::span<const uint8_t> hops) {
  while (hops.size() >= sizeof(rtnexthop)) {
    rtnexthop hop;
    std::memcpy(&hop, hops.data(), sizeof hop);
    if (hop.rtnh_len < sizeof hop || hop.rtnh_len > hops.size()) return;
    Route one = route;
    one.link_index = hop.rtnh_ifindex;
    one.gateway = gateway_of(Attributes(hops.subspan(sizeof hop, hop.rtnh_len - sizeof hop)));
    routes.push_back(std::move(one));
    hops = hops.subspan(std::min<std::size_t>(RTNH_ALIGN(hop.rtnh_len), hops.size()));
  }
}

void add_route(std::vector<Route>& routes, const Message& message) {
  const auto body = message.body<rtmsg>();
  if (message.type != RTM_NEWROUTE || !body) return;
  if (body->rtm_family != AF_INET && body->rtm_family != AF_INET6) return;
  const auto attributes = message.attributes<rtmsg>();
  if (attributes.u32(RTA_TABLE).value_or(body->rtm_table) != RT_TABLE_MAIN || body->rtm_type != RTN_UNICAST)
    return;
  Route route;
  const IpAddress any = body->rtm_family == AF_INET ? IpAddress::v4(0) : IpAddress::v6({});
  route.destination = {attributes.address(RTA_DST).value_or(any), body->rtm_dst_len};
  route.gateway = gateway_of(attributes);
  route.source = attributes.address(RTA_PREFSRC);
  route.link_index = static_cast<int>(attributes.u32(RTA_OIF).value_or(0));
  route.metric = attributes.u32(RTA_PRIORITY).value_or(0);
  if (const auto hops = attributes.find(RTA_MULTIPATH))
    add_hops(routes, route, *hops);
  else
    routes.push_back(std::move(route));
}

Request request_for(uint16_t type, uint16_t flags, const Route& route) {
  rtmsg body{};
  body.rtm_family = route.destination.address.is_v4() ? AF_INET : AF_INET6;
  body.rtm_dst_len = route.destination.length_bits;
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = route.gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  body.rtm_type = RTN_UNICAST;
  Request request(type, flags, body);
  if (route.destination.length_bits != 0) request.put(RTA_DST, route.destination.address);
  if (route.gateway) request.put(RTA_GATEWAY, *route.gateway);
  if (route.source) request.put(RTA_PREFSRC, *route.source);
  request.put(RTA_OIF, static_cast<uint32_t>(route.link_index));
  if (route.metric != 0) request.put(RTA_PRIORITY, route.metric);
  return request;
}

}  // namespace

Result<std::vector<Route>> list_routes(Socket& socket) {
  std::vector<Route> routes;
  Request request(RTM_GETROUTE, NLM_F_DUMP, rtmsg{});
  auto dumped =
      socket.dump(request, "listing routes", [&](const Message& message) { add_route(routes, message); });
  if (!dumped.ok()) return std::move(dumped).error();
  return routes;
}

Result<std::optional<Way>> find_way(Socket& socket, const IpAddress& to) {
  rtmsg body{};
  body.rtm_family = to.is_v4() ? AF_INET : AF_INET6;
  body.rtm_dst_len = to.is_v4() ? 32 : 128;
  Request request(RTM_GETROUTE, NLM_F_ACK, body);
  request.put(RTA_DST, to);
  std::optional<Way> way;
  const auto asked =
      socket.dump(request, "finding the way to " + to.to_string(), [&](const Message& message) {
        const auto answer = message.body<rtmsg>();
        if (message.type != RTM_NEWROUTE || !answer) return;
        if (answer->rtm_type != RTN_UNICAST && answer->rtm_type != RTN_LOCAL) return;
        const auto attributes = message.attributes<rtmsg>();
        way = Way{.link_index = static_cast<int>(attributes.u32(RTA_OIF).value_or(0)),
                  .gateway = gateway_of(attributes),
                  .source = attributes.address(RTA_PREFSRC),
                  .is_local = answer->rtm_type == RTN_LOCAL};
      });
  // That there is none the kernel says as an error of its own kind.
  if (!asked.ok() && asked.error().code != ErrorCode::kUnavailable && !way) return asked.error();
  return way;
}

Result<void> put_route(Socket& socket, const Route& route) {
  auto request = request_for(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, route);
  return socket.act(request, "setting the route to " + route.destination.to_string());
}

Result<void> remove_route(Socket& socket, const Route& route) {
  auto request = request_for(RTM_DELROUTE, NLM_F_ACK, route);
  return socket.act(request, "removing the route to " + route.destination.to_string());
}

}  // namespace headgate::netlink
