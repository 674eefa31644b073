// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/transport_checksum.hpp"

#include "dataplane/core/checksum.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::l4 {
namespace {

ChecksumSum pseudo_sum(const PacketView& packet, const ParsedPacket& parsed) {
  const std::byte* ip = packet.data + parsed.ip_offset;
  const uint16_t l4_bytes = summed_bytes(packet, parsed);
  return parsed.is_v6 ? pseudo_header_sum(header_at<Ipv6Header>(ip), parsed.protocol, l4_bytes)
                      : pseudo_header_sum(header_at<Ipv4Header>(ip), parsed.protocol, l4_bytes);
}

Be16& checksum_field(const PacketView& packet, const ParsedPacket& parsed) {
  std::byte* transport = packet.data + parsed.l4_offset;
  return parsed.kind == PacketKind::kTcp ? header_at<TcpHeader>(transport).checksum
                                         : header_at<UdpHeader>(transport).checksum;
}

ChecksumSum transport_sum(const PacketView& packet, const ParsedPacket& parsed) {
  return sum_bytes({packet.data + parsed.l4_offset, summed_bytes(packet, parsed)});
}

// The field holds the pseudo-header's sum, so the sum over all bytes is the whole sum already.
void finish(const ParsedPacket& parsed, ChecksumSum whole, Be16& field) {
  Be16 finished = finish_checksum(whole);
  // RFC 768: zero means "none", so a UDP checksum of zero is sent as its other spelling.
  if (parsed.kind == PacketKind::kUdp && finished == Be16(0)) finished = Be16(0xffff);
  field = finished;
}

}  // namespace

void finish_partial_checksum(const PacketView& packet, const ParsedPacket& parsed) {
  if (packet.trust != ChecksumTrust::kMayBePartial) return;
  Be16& field = checksum_field(packet, parsed);
  if (field.raw() == fold(pseudo_sum(packet, parsed))) finish(parsed, transport_sum(packet, parsed), field);
}

bool has_no_checksum(const PacketView& packet, const ParsedPacket& parsed) {
  return parsed.kind == PacketKind::kUdp && !parsed.is_v6 && checksum_field(packet, parsed) == Be16(0);
}

bool finish_if_partial(const PacketView& packet, const ParsedPacket& parsed, ChecksumSum whole,
                       ChecksumSum pseudo) {
  Be16& field = checksum_field(packet, parsed);
  if (packet.trust != ChecksumTrust::kMayBePartial || field.raw() != fold(pseudo)) return false;
  finish(parsed, whole, field);
  return true;
}

}  // namespace headgate::l4
