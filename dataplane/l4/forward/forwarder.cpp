// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/forwarder.hpp"

#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/forward/hop_limit.hpp"
#include "dataplane/l4/icmp_answer.hpp"

namespace headgate::l4 {

Verdict Forwarder::forward(PacketView& packet, const ParsedPacket& parsed, const Target& target,
                           FlowRole role, TimePoint now) {
  const auto next_hop = next_hops_->find(target.id);
  if (!next_hop) return Verdict::drop(DropReason::kNoNextHop);
  if (!count_hop(packet.data, parsed)) return hops_used_up(packet, parsed, now);
  auto& ethernet = header_at<EthernetHeader>(packet.data);
  ethernet.src = ethernet.dst;
  ethernet.dst = *next_hop;
  return {.exit = Exit::kUplink, .role = role, .target_id = target.id};
}

// Who traces the way through a VIP sees one hop more where we are.
Verdict Forwarder::hops_used_up(PacketView& packet, const ParsedPacket& parsed, TimePoint now) {
  if (!answers_left_.take(now) || !answer_time_exceeded(packet, parsed))
    return Verdict::drop(DropReason::kTtlExpired);
  ++answers_;
  return Verdict::uplink();
}

}  // namespace headgate::l4
