// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/capture_tap.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/icmp_error.hpp"

namespace headgate::fastpath {
namespace {

// The ends of one packet, as its headers say.
struct Ends {
  const std::byte* src;
  const std::byte* dst;
  const PortsHeader* ports;  // null: it names none
};

Ends ends_of(const l4::PacketView& packet, const l4::ParsedPacket& parsed) {
  const bool has_ports = (parsed.kind == l4::PacketKind::kTcp || parsed.kind == l4::PacketKind::kUdp) &&
                         parsed.transport_fault == l4::DropReason::kNone;
  const std::byte* const ip = packet.data + parsed.ip_offset;
  return {ip + (parsed.is_v6 ? offsetof(Ipv6Header, src) : offsetof(Ipv4Header, src)),
          ip + (parsed.is_v6 ? offsetof(Ipv6Header, dst) : offsetof(Ipv4Header, dst)),
          has_ports ? &header_at<PortsHeader>(packet.data + parsed.l4_offset) : nullptr};
}

// Where a packet names no port (a later fragment, a header cut off), its address alone has to do.
bool is_end(const Endpoint& endpoint, const std::byte* address, const Be16* port) {
  return std::memcmp(address, endpoint.address.bytes().data(), endpoint.address.size_bytes()) == 0 &&
         (port == nullptr || port->host() == endpoint.port);
}

}  // namespace

std::size_t CaptureTap::queue_length(const CaptureWish& wish) {
  const std::size_t slot_bytes = 2 * std::size_t{wish.snap_bytes} + sizeof(CapturedPacket);
  return std::min(std::bit_floor(limits::kCaptureQueueBytesMax / slot_bytes),
                  std::bit_ceil(std::size_t{wish.count}));
}

CaptureTap::CaptureTap(const CaptureWish& wish)
    : wish_(&wish), free_(queue_length(wish)), full_(queue_length(wish)) {
  const auto queue = static_cast<uint32_t>(queue_length(wish));
  packets_.resize(queue + burst_.size());
  bytes_.resize(packets_.size() * 2 * wish.snap_bytes);
  for (uint32_t slot = 0; slot < queue; ++slot) HG_ASSERT(free_.post(uint32_t{slot}));
  for (uint32_t i = 0; i < burst_.size(); ++i) burst_[i].slot = queue + i;
}

// By the uplink comes what clients send to the listener, by the host port what the kernel or a replica sends
// from it. An error is the listener's whose packet it quotes, which went the other way.
bool CaptureTap::is_addressed(Side side, const l4::PacketView& packet) const {
  const l4::ParsedPacket parsed = l4::parse(packet);
  if (parsed.ip_fault != l4::DropReason::kNone || parsed.kind == l4::PacketKind::kNotIp ||
      parsed.is_v6 != wish_->reached.address.is_v6())
    return false;
  const bool is_error = parsed.kind == l4::PacketKind::kIcmpError;
  const auto quoted = is_error ? l4::parse_quoted(packet, parsed) : std::nullopt;
  if ((is_error && !quoted) || (quoted ? quoted->protocol : parsed.protocol) != wish_->protocol) return false;
  Ends ends = ends_of(packet, parsed);
  if (quoted) {
    ends = ends_of(packet, *quoted);
    ends.ports = &header_at<PortsHeader>(packet.data + quoted->l4_offset);
  }
  const bool at_dst = (side == Side::kUplink) != is_error;
  if (at_dst)
    return is_end(wish_->reached, ends.dst, ends.ports == nullptr ? nullptr : &ends.ports->dst_port);
  return is_end(wish_->reached, ends.src, ends.ports == nullptr ? nullptr : &ends.ports->src_port);
}

// What is known of the flow goes before what the headers say: a replica's answer comes from its local
// address.
bool CaptureTap::is_of_listener(const l4::L4Table& table, const l4::Verdict& verdict, bool addressed) const {
  if (verdict.role == l4::FlowRole::kNone) return addressed;
  const l4::Target* target = table.target_of_id(verdict.target_id);
  if (target == nullptr) return false;
  const l4::Listener& listener = table.listener(target->listener);
  return listener.endpoint == wish_->reached && listener.protocol == wish_->protocol;
}

void CaptureTap::on_received(Side side, std::span<const l4::PacketView> packets, TimePoint now) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const l4::PacketView& packet = packets[i];
    Seen& seen = burst_[i];
    seen.addressed = is_addressed(side, packet);
    seen.matches = wish_->filter.matches({packet.data, packet.length_bytes}, packet.length_bytes);
    packets_[seen.slot] = {.came_by = side, .received_at = now, .received_bytes = packet.length_bytes};
    std::memcpy(bytes_of(seen.slot), packet.data, snapped(packet.length_bytes));
  }
}

void CaptureTap::on_decided(const l4::L4Table& table, std::span<const l4::PacketView> packets,
                            std::span<const l4::Verdict> verdicts) {
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const l4::PacketView& packet = packets[i];
    Seen& seen = burst_[i];
    const bool leaves = verdicts[i].exit != l4::Exit::kDrop;
    seen.wanted = is_of_listener(table, verdicts[i], seen.addressed) &&
                  (seen.matches || (leaves && wish_->filter.matches({packet.data, packet.length_bytes},
                                                                    packet.length_bytes)));
    if (!seen.wanted) continue;
    packets_[seen.slot].sent_bytes = packet.length_bytes;
    std::memcpy(bytes_of(seen.slot) + wish_->snap_bytes, packet.data, snapped(packet.length_bytes));
  }
}

void CaptureTap::on_sent(std::span<const l4::Verdict> verdicts, TimePoint now) {
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    Seen& seen = burst_[i];
    if (!seen.wanted) continue;
    const auto next = free_.take();
    if (!next) {
      lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      continue;
    }
    packets_[seen.slot].verdict = verdicts[i];
    packets_[seen.slot].sent_at = now;
    HG_ASSERT(full_.post(uint32_t{seen.slot}));  // as much room as for free ones
    seen.slot = *next;
  }
}

}  // namespace headgate::fastpath
