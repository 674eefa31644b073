// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/icmp_error.hpp"

#include "dataplane/core/checksum.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::l4 {
namespace {

enum class Side : uint8_t { kSource, kDestination };

// Rewrites one side of the quoted packet. Returns how the sum of its bytes has changed, for the ICMP
// checksum.
ChecksumSum rewrite_quoted(std::byte* frame, const ParsedPacket& quoted, const Rewrite& rewrite, Side side) {
  ChecksumSum change = rewrite.transport_delta;
  auto* ip = quoted.is_v6 ? nullptr : &header_at<Ipv4Header>(frame + quoted.ip_offset);
  const Be16 ip_checksum = ip != nullptr ? ip->checksum : Be16(0);
  if (side == Side::kSource)
    rewrite_source_address(frame, quoted, rewrite);
  else
    rewrite_destination_address(frame, quoted, rewrite);
  if (ip != nullptr) change += delta_of(ip_checksum, ip->checksum);
  auto& ports = header_at<PortsHeader>(frame + quoted.l4_offset);
  (side == Side::kSource ? ports.src_port : ports.dst_port) = rewrite.port;
  Be16* field = transport_checksum(frame, quoted);
  if (field == nullptr) return change;
  const Be16 before = *field;
  update_transport_checksum(frame, quoted, rewrite.transport_delta);
  return change + delta_of(before, *field);
}

}  // namespace

std::optional<ParsedPacket> parse_quoted(const PacketView& packet, const ParsedPacket& error) {
  ParsedPacket quoted;
  quoted.is_v6 = error.is_v6;
  quoted.ip_offset = static_cast<uint16_t>(error.l4_offset + sizeof(IcmpHeader));
  quoted.end = error.end;
  const unsigned room_bytes = error.end - quoted.ip_offset;
  const std::byte* at = packet.data + quoted.ip_offset;
  unsigned header_bytes = sizeof(Ipv6Header);
  if (quoted.is_v6) {
    if (room_bytes < sizeof(Ipv6Header)) return std::nullopt;
    const auto& ip = header_at<Ipv6Header>(at);
    if (ip.version() != 6) return std::nullopt;
    quoted.protocol = ip.next_header;
  } else {
    if (room_bytes < sizeof(Ipv4Header)) return std::nullopt;
    const auto& ip = header_at<Ipv4Header>(at);
    header_bytes = ip.header_bytes();
    if (ip.version() != 4 || header_bytes < sizeof ip || ip.fragment_offset_bytes() != 0) return std::nullopt;
    quoted.protocol = ip.protocol;
  }
  // RFC 792 quotes eight bytes; the ports are what is needed.
  if (room_bytes < header_bytes + sizeof(PortsHeader)) return std::nullopt;
  if (quoted.protocol != kProtocolTcp && quoted.protocol != kProtocolUdp) return std::nullopt;
  quoted.kind = quoted.protocol == kProtocolTcp ? PacketKind::kTcp : PacketKind::kUdp;
  quoted.l4_offset = static_cast<uint16_t>(quoted.ip_offset + header_bytes);
  return quoted;
}

bool has_right_checksum(const PacketView& packet, const ParsedPacket& error) {
  ChecksumSum sum = sum_bytes({packet.data + error.l4_offset, error.l4_bytes()});
  if (error.is_v6)
    sum += pseudo_header_sum(header_at<Ipv6Header>(packet.data + error.ip_offset), kProtocolIcmpv6,
                             error.l4_bytes());
  return fold(sum) == 0xffff;
}

void rewrite_error_to_target(std::byte* frame, const ParsedPacket& error, const ParsedPacket& quoted,
                             const Rewrite& to_target) {
  ChecksumSum change = rewrite_quoted(frame, quoted, to_target, Side::kSource);
  rewrite_destination_address(frame, error, to_target);
  if (error.is_v6) change += to_target.address_delta;  // its checksum covers the pseudo-header (RFC 4443)
  update_checksum(header_at<IcmpHeader>(frame + error.l4_offset).checksum, change);
}

void rewrite_error_from_target(std::byte* frame, const ParsedPacket& error, const ParsedPacket& quoted,
                               const Rewrite& from_target, bool source_too) {
  const ChecksumSum change = rewrite_quoted(frame, quoted, from_target, Side::kDestination);
  update_checksum(header_at<IcmpHeader>(frame + error.l4_offset).checksum, change);
  if (source_too) rewrite_error_source(frame, error, from_target);
}

void rewrite_error_source(std::byte* frame, const ParsedPacket& error, const Rewrite& rewrite) {
  rewrite_source_address(frame, error, rewrite);
  if (error.is_v6)
    update_checksum(header_at<IcmpHeader>(frame + error.l4_offset).checksum, rewrite.address_delta);
}

}  // namespace headgate::l4
