// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/links.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

namespace headgate::netlink {
namespace {

std::optional<Link> parse_link(const Message& message) {
  const auto body = message.body<ifinfomsg>();
  if (message.type != RTM_NEWLINK || !body) return std::nullopt;
  const auto attributes = message.attributes<ifinfomsg>();
  Link link;
  link.index = body->ifi_index;
  link.name = attributes.text(IFLA_IFNAME).value_or("");
  link.mac = attributes.mac(IFLA_ADDRESS).value_or(MacAddress{});
  link.mtu_bytes = attributes.u32(IFLA_MTU).value_or(0);
  link.up = (body->ifi_flags & IFF_UP) != 0;
  link.running = (body->ifi_flags & IFF_RUNNING) != 0;
  link.alias = attributes.text(IFLA_IFALIAS).value_or("");
  if (const auto info = attributes.find(IFLA_LINKINFO))
    link.kind = Attributes(*info).text(IFLA_INFO_KIND).value_or("");
  return link;
}

ifinfomsg about(const Link& link) {
  ifinfomsg body{};
  body.ifi_index = link.index;
  return body;
}

}  // namespace

Result<std::vector<Link>> list_links(Socket& socket) {
  std::vector<Link> links;
  Request request(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{});
  auto dumped = socket.dump(request, "listing interfaces", [&](const Message& message) {
    if (auto link = parse_link(message)) links.push_back(std::move(*link));
  });
  if (!dumped.ok()) return std::move(dumped).error();
  return links;
}

Result<std::optional<Link>> find_link(Socket& socket, const std::string& name) {
  auto links = list_links(socket);
  if (!links.ok()) return std::move(links).error();
  for (auto& link : *links)
    if (link.name == name) return std::optional<Link>(std::move(link));
  return std::optional<Link>();
}

Result<void> create_veth(Socket& socket, const std::string& name, const std::optional<MacAddress>& mac,
                         const std::string& peer_name) {
  Request request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  request.put(IFLA_IFNAME, name);
  if (mac) request.put(IFLA_ADDRESS, std::span<const uint8_t>(*mac));
  request.begin(IFLA_LINKINFO).put(IFLA_INFO_KIND, std::string_view("veth"));
  request.begin(IFLA_INFO_DATA).begin(VETH_INFO_PEER).raw(ifinfomsg{}).put(IFLA_IFNAME, peer_name);
  request.end().end().end();
  return socket.act(request, "making the veth pair " + name + ", " + peer_name);
}

Result<void> set_link_up(Socket& socket, const Link& link) {
  auto body = about(link);
  body.ifi_flags = body.ifi_change = IFF_UP;
  Request request(RTM_NEWLINK, NLM_F_ACK, body);
  return socket.act(request, "setting " + link.name + " up");
}

Result<void> set_link_mtu(Socket& socket, const Link& link, uint32_t mtu_bytes) {
  Request request(RTM_NEWLINK, NLM_F_ACK, about(link));
  request.put(IFLA_MTU, mtu_bytes);
  return socket.act(request, "setting the MTU of " + link.name + " to " + std::to_string(mtu_bytes));
}

Result<void> set_link_alias(Socket& socket, const Link& link, const std::string& alias) {
  Request request(RTM_NEWLINK, NLM_F_ACK, about(link));
  request.put(IFLA_IFALIAS, alias);
  return socket.act(request, "noting on " + link.name + " who made it");
}

Result<void> delete_link(Socket& socket, const Link& link) {
  Request request(RTM_DELLINK, NLM_F_ACK, about(link));
  return socket.act(request, "deleting " + link.name);
}

}  // namespace headgate::netlink
