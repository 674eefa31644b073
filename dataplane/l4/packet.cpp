// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/packet.hpp"

#include "dataplane/core/checksum.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::l4 {
namespace {

// RFC 792 and 1122: the types that quote a packet.
bool is_icmp_error(uint8_t type) { return type == 3 || type == 4 || type == 5 || type == 11 || type == 12; }
// RFC 4443 section 2.1: errors are the types below 128.
bool is_icmpv6_error(uint8_t type) { return type >= 1 && type < 128; }
// RFC 4861: router and neighbour solicitation and advertisement, redirect.
bool is_neighbour_discovery(uint8_t type) { return type >= 133 && type <= 137; }

void parse_icmp(const std::byte* frame, ParsedPacket& parsed) {
  parsed.kind = PacketKind::kIcmp;
  if (parsed.l4_bytes() < sizeof(IcmpHeader)) {
    parsed.transport_fault = DropReason::kTransportTruncated;
    return;
  }
  const uint8_t type = header_at<IcmpHeader>(frame + parsed.l4_offset).type;
  parsed.is_neighbour = parsed.is_v6 && is_neighbour_discovery(type);
  if (parsed.is_v6 ? is_icmpv6_error(type) : is_icmp_error(type)) parsed.kind = PacketKind::kIcmpError;
}

// Always inline, as what most packets are: a call costs as much as the work.
[[gnu::always_inline]] inline void parse_tcp(const std::byte* frame, ParsedPacket& parsed) {
  parsed.kind = PacketKind::kTcp;
  const auto& tcp = header_at<TcpHeader>(frame + parsed.l4_offset);
  const unsigned l4_bytes = parsed.l4_bytes();
  if (l4_bytes < sizeof(TcpHeader) || tcp.header_bytes() < sizeof(TcpHeader) ||
      (tcp.header_bytes() > l4_bytes && !parsed.is_fragment)) {
    parsed.transport_fault = DropReason::kTransportTruncated;
    return;
  }
  parsed.tcp_flags = tcp.flags;
}

// What is behind the datagram in the packet is not its own (RFC 9868 has options there).
bool holds_datagram(const std::byte* frame, const ParsedPacket& parsed) {
  const unsigned length_bytes = header_at<UdpHeader>(frame + parsed.l4_offset).length_bytes.host();
  return length_bytes >= sizeof(UdpHeader) && (length_bytes <= parsed.l4_bytes() || parsed.is_fragment);
}

void parse_beside_tcp(const std::byte* frame, ParsedPacket& parsed) {
  if (parsed.protocol == kProtocolUdp) {
    parsed.kind = PacketKind::kUdp;
    if (parsed.l4_bytes() < sizeof(UdpHeader) || !holds_datagram(frame, parsed))
      parsed.transport_fault = DropReason::kTransportTruncated;
    return;
  }
  if (parsed.protocol == (parsed.is_v6 ? kProtocolIcmpv6 : kProtocolIcmp)) return parse_icmp(frame, parsed);
  parsed.kind = PacketKind::kOtherIp;
}

[[gnu::always_inline]] inline void parse_transport(const std::byte* frame, ParsedPacket& parsed) {
  if (parsed.protocol == kProtocolTcp) [[likely]]
    parse_tcp(frame, parsed);
  else
    parse_beside_tcp(frame, parsed);
}

// `header_bytes`, of an IPv4 header that says so and lies within the frame: where the compiler knows it, no
// loop is left of the checksum.
[[gnu::always_inline]] inline void parse_ipv4_of(const PacketView& packet, unsigned header_bytes,
                                                 ParsedPacket& parsed) {
  const unsigned room_bytes = packet.length_bytes - sizeof(EthernetHeader);
  const std::byte* header = packet.data + parsed.ip_offset;
  const auto& ip = header_at<Ipv4Header>(header);
  const unsigned total_bytes = ip.total_length_bytes.host();
  if (total_bytes < header_bytes || total_bytes > room_bytes) {
    parsed.ip_fault = DropReason::kIpHeaderInvalid;
    return;
  }
  if (fold(sum_bytes({header, header_bytes})) != 0xffff) {
    parsed.ip_fault = DropReason::kIpChecksumWrong;
    return;
  }
  parsed.protocol = ip.protocol;
  parsed.l4_offset = static_cast<uint16_t>(parsed.ip_offset + header_bytes);
  parsed.end = static_cast<uint16_t>(parsed.ip_offset + total_bytes);
  if (ip.is_fragment()) [[unlikely]] {
    parsed.is_fragment = true;
    parsed.fragment_id = ip.id.host();
    if (ip.fragment_offset_bytes() != 0) {
      parsed.kind = PacketKind::kLaterFragment;
      return;
    }
  }
  parse_transport(packet.data, parsed);
}

[[gnu::noinline]] void parse_ipv4_with_options(const PacketView& packet, ParsedPacket& parsed) {
  const auto& ip = header_at<Ipv4Header>(packet.data + parsed.ip_offset);
  const unsigned room_bytes = packet.length_bytes - sizeof(EthernetHeader);
  if (ip.version() != 4 || ip.header_bytes() < sizeof ip || ip.header_bytes() > room_bytes)
    parsed.ip_fault = DropReason::kIpHeaderInvalid;
  else
    parse_ipv4_of(packet, ip.header_bytes(), parsed);
}

[[gnu::always_inline]] inline void parse_ipv4(const PacketView& packet, ParsedPacket& parsed) {
  const auto& ip = header_at<Ipv4Header>(packet.data + parsed.ip_offset);
  if (packet.length_bytes < sizeof(EthernetHeader) + sizeof ip)
    parsed.ip_fault = DropReason::kIpHeaderInvalid;
  else if (ip.version_ihl == Ipv4Header::kWithoutOptions) [[likely]]
    parse_ipv4_of(packet, sizeof ip, parsed);
  else
    parse_ipv4_with_options(packet, parsed);
}

// One extension header; false where the chain ends, with parsed.kind or a fault telling why.
bool step_over_extension(const std::byte* frame, ParsedPacket& parsed) {
  const auto fault = [&] {
    parsed.kind = PacketKind::kOtherIp;
    parsed.transport_fault = DropReason::kExtensionsInvalid;
    return false;
  };
  if (parsed.l4_bytes() < sizeof(Ipv6FragmentHeader)) return fault();  // none is shorter than eight bytes
  if (parsed.protocol == kProtocolFragment) {
    const auto& fragment = header_at<Ipv6FragmentHeader>(frame + parsed.l4_offset);
    parsed.protocol = fragment.next_header;
    parsed.l4_offset = static_cast<uint16_t>(parsed.l4_offset + sizeof fragment);
    // An atomic fragment (RFC 6946: offset 0, no more) is a whole packet.
    parsed.is_fragment = fragment.more_fragments() || fragment.offset_bytes() != 0;
    parsed.fragment_id = fragment.id.host();
    if (fragment.offset_bytes() == 0) return true;
    parsed.kind = PacketKind::kLaterFragment;
    return false;
  }
  const auto& extension = header_at<Ipv6ExtensionHeader>(frame + parsed.l4_offset);
  const unsigned extension_bytes =
      parsed.protocol == kProtocolAuthentication ? (extension.length + 2u) * 4 : (extension.length + 1u) * 8;
  if (extension_bytes > parsed.l4_bytes()) return fault();
  if (parsed.protocol == kProtocolRouting && extension.segments_left != 0) {
    parsed.kind = PacketKind::kOtherIp;  // its final destination is another one
    return false;
  }
  parsed.protocol = extension.next_header;
  parsed.l4_offset = static_cast<uint16_t>(parsed.l4_offset + extension_bytes);
  return true;
}

bool is_extension(uint8_t protocol) {
  return protocol == kProtocolHopByHop || protocol == kProtocolRouting || protocol == kProtocolFragment ||
         protocol == kProtocolAuthentication || protocol == kProtocolDestinationOptions;
}

void parse_ipv6(const PacketView& packet, ParsedPacket& parsed) {
  const unsigned room_bytes = packet.length_bytes - sizeof(EthernetHeader);
  const auto& ip = header_at<Ipv6Header>(packet.data + parsed.ip_offset);
  if (room_bytes < sizeof ip || ip.version() != 6 ||
      ip.payload_length_bytes.host() > room_bytes - sizeof ip) {
    parsed.ip_fault = DropReason::kIpHeaderInvalid;
    return;
  }
  parsed.protocol = ip.next_header;
  parsed.l4_offset = static_cast<uint16_t>(parsed.ip_offset + sizeof ip);
  parsed.end = static_cast<uint16_t>(parsed.l4_offset + ip.payload_length_bytes.host());
  for (unsigned seen = 0; is_extension(parsed.protocol); ++seen) {
    if (seen == limits::kIpv6ExtensionHeadersMax) {
      parsed.kind = PacketKind::kOtherIp;
      parsed.transport_fault = DropReason::kExtensionsInvalid;
      return;
    }
    if (!step_over_extension(packet.data, parsed)) return;
  }
  parse_transport(packet.data, parsed);
}

}  // namespace

ParsedPacket parse(const PacketView& packet) {
  ParsedPacket parsed;
  if (packet.length_bytes < sizeof(EthernetHeader)) {
    parsed.ip_fault = DropReason::kFrameTooShort;
    return parsed;
  }
  parsed.ip_offset = sizeof(EthernetHeader);
  switch (header_at<EthernetHeader>(packet.data).type.host()) {
    case kEtherTypeIpv4:
      parse_ipv4(packet, parsed);
      break;
    case kEtherTypeIpv6:
      parsed.is_v6 = true;
      parse_ipv6(packet, parsed);
      break;
    case kEtherTypeArp:
      parsed.is_neighbour = true;
      break;
    default:
      break;
  }
  return parsed;
}

}  // namespace headgate::l4
