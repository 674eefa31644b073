// SPDX-License-Identifier: Apache-2.0
#include "dataplane/netlink/neighbours.hpp"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

namespace headgate::netlink {

Result<std::vector<Neighbour>> list_neighbours(Socket& socket) {
  constexpr uint16_t kUsable = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP;
  std::vector<Neighbour> neighbours;
  Request request(RTM_GETNEIGH, NLM_F_DUMP, ndmsg{});
  auto dumped = socket.dump(request, "listing neighbours", [&](const Message& message) {
    const auto body = message.body<ndmsg>();
    if (message.type != RTM_NEWNEIGH || !body) return;
    const auto attributes = message.attributes<ndmsg>();
    const auto address = attributes.address(NDA_DST);
    if (!address) return;
    const auto mac = attributes.mac(NDA_LLADDR);
    neighbours.push_back({.link_index = body->ndm_ifindex,
                          .address = *address,
                          .mac = mac.value_or(MacAddress{}),
                          .usable = mac.has_value() && (body->ndm_state & kUsable) != 0});
  });
  if (!dumped.ok()) return std::move(dumped).error();
  return neighbours;
}

}  // namespace headgate::netlink
