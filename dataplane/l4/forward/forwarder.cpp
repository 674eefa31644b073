// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/forwarder.hpp"

#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/forward/hop_limit.hpp"
#include "dataplane/l4/icmp_answer.hpp"

namespace headgate::l4 {

namespace {

// That packets to it come from, and this machine has none on the way there.
bool lacks_source(const Target& target) {
  if (is_tunnel(target.forwarding)) return !target.tunnel.has_value();
  return target.forwarding == contract::Forwarding::kFullnat && !target.source.has_value();
}

}  // namespace

template <typename Answer>
Verdict Forwarder::answer_or_drop(DropReason reason, TimePoint now, Answer answer) {
  if (!answers_left_.take(now)) return Verdict::drop(reason);
  if (!answer()) {
    answers_left_.give_back();
    return Verdict::drop(reason);
  }
  ++answers_;
  return Verdict::uplink();
}

Verdict Forwarder::forward(const L4Table& table, PacketView& packet, const ParsedPacket& parsed,
                           const Flow& flow, TimePoint now) {
  const Target& target = flow.target;
  const uint64_t next_hop = next_hops_->word(target.id);
  if (next_hop == 0 || lacks_source(target)) return Verdict::drop(DropReason::kNoNextHop);
  // Who traces the way through a VIP sees one hop more where we are. Before what the next link takes, as
  // routers have it (RFC 1812 section 5.2.1), so that a trace by long packets sees it too.
  if (is_last_hop(packet.data, parsed))
    return answer_or_drop(DropReason::kTtlExpired, now, [&] { return answer_time_exceeded(packet, parsed); });
  const unsigned overhead_bytes = target.tunnel ? target.tunnel->overhead_bytes() : 0;
  if (parsed.end - parsed.ip_offset + overhead_bytes > table.mtu_bytes()) {
    const auto mtu_bytes = static_cast<uint16_t>(table.mtu_bytes() - overhead_bytes);
    return answer_or_drop(DropReason::kTooBig, now,
                          [&] { return answer_too_big(packet, parsed, mtu_bytes); });
  }
  count_hop(packet.data, parsed);
  if (target.tunnel) {
    if (packet.headroom_bytes < overhead_bytes) return Verdict::drop(DropReason::kFrameTooLong);
    target.tunnel->apply(packet, parsed, flow.hash);
  }
  auto& ethernet = header_at<EthernetHeader>(packet.data);
  store_mac(ethernet.src.data(), load_mac(ethernet.dst.data()));
  store_mac(ethernet.dst.data(), next_hop);
  return {.exit = Exit::kUplink, .role = flow.role, .target_id = target.id};
}

}  // namespace headgate::l4
