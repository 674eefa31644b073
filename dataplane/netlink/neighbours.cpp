// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/neighbours.hpp"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace headgate::netlink {
namespace {

ndmsg body_for(int link_index, const IpAddress& address) {
  ndmsg body{};
  body.ndm_family = address.is_v4() ? AF_INET : AF_INET6;
  body.ndm_ifindex = link_index;
  return body;
}

}  // namespace

std::optional<Neighbour> neighbour_of(const Message& event) {
  constexpr uint16_t kFixed = NUD_PERMANENT | NUD_NOARP;
  constexpr uint16_t kUsable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | kFixed;
  const auto body = event.body<ndmsg>();
  if (!is_neighbour_event(event) || !body) return std::nullopt;
  const auto attributes = event.attributes<ndmsg>();
  const auto address = attributes.address(NDA_DST);
  if (!address) return std::nullopt;
  const auto mac = attributes.mac(NDA_LLADDR);
  const bool gone = event.type == RTM_DELNEIGH;
  return Neighbour{.link_index = body->ndm_ifindex,
                   .address = *address,
                   .mac = mac.value_or(MacAddress{}),
                   .usable = !gone && mac.has_value() && (body->ndm_state & kUsable) != 0,
                   .fixed = (body->ndm_state & kFixed) != 0,
                   .gone = gone};
}

bool is_neighbour_event(const Message& event) {
  return event.type == RTM_NEWNEIGH || event.type == RTM_DELNEIGH;
}

Result<std::vector<Neighbour>> list_neighbours(Socket& socket) {
  std::vector<Neighbour> neighbours;
  Request request(RTM_GETNEIGH, NLM_F_DUMP, ndmsg{});
  auto dumped = socket.dump(request, "listing neighbours", [&](const Message& message) {
    if (const auto neighbour = neighbour_of(message)) neighbours.push_back(*neighbour);
  });
  if (!dumped.ok()) return std::move(dumped).error();
  return neighbours;
}

Result<void> keep_neighbour(Socket& socket, int link_index, const IpAddress& address) {
  auto body = body_for(link_index, address);
  body.ndm_flags = NTF_EXT_LEARNED;  // else it is dropped where there are many and it does not answer
  Request request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE, body);
  request.put(NDA_DST, address).put(NDA_FLAGS_EXT, uint32_t{NTF_EXT_MANAGED});
  return socket.act(request, "asking for the neighbour " + address.to_string());
}

Result<void> ask_for_neighbour(Socket& socket, int link_index, const IpAddress& address) {
  auto body = body_for(link_index, address);
  body.ndm_flags = NTF_USE;
  Request request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE, body);
  request.put(NDA_DST, address);
  return socket.act(request, "asking for the neighbour " + address.to_string());
}

Result<void> forget_neighbour(Socket& socket, int link_index, const IpAddress& address) {
  Request request(RTM_DELNEIGH, NLM_F_ACK, body_for(link_index, address));
  request.put(NDA_DST, address);
  return socket.act(request, "forgetting the neighbour " + address.to_string());
}

}  // namespace headgate::netlink
