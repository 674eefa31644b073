// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/encapsulation.hpp"

#include <cstring>

#include "dataplane/core/assert.hpp"

namespace headgate::l4 {
namespace {

using contract::Forwarding;

constexpr uint8_t kOuterHops = 64;
constexpr uint16_t kVxlanPort = 4789;       // RFC 7348 section 5
constexpr uint16_t kGuePort = 6080;         // IANA
constexpr uint16_t kFirstFlowPort = 49152;  // RFC 7348 section 5: the dynamic ports

uint8_t protocol_of(Forwarding forwarding, bool carries_v6) {
  if (forwarding != Forwarding::kIpip) return kProtocolUdp;
  return carries_v6 ? kProtocolIpv6 : kProtocolIpv4;
}

uint8_t traffic_class_of(const std::byte* ip, bool is_v6) {
  if (!is_v6) return header_at<Ipv4Header>(ip).tos;
  return static_cast<uint8_t>(header_at<Ipv6Header>(ip).version_class_flow.host() >> 20);
}

}  // namespace

template <typename Header>
void Encapsulation::append(const Header& header) {
  HG_ASSERT(headers_bytes_ + sizeof header <= headers_.size());
  std::memcpy(headers_.data() + headers_bytes_, &header, sizeof header);
  headers_bytes_ = static_cast<uint8_t>(headers_bytes_ + sizeof header);
}

void Encapsulation::append_outer_ip(const TunnelEnds& ends, uint8_t protocol) {
  if (is_v6_)
    return append(Ipv6Header{.version_class_flow = Be32(6u << 28),
                             .payload_length_bytes = Be16(0),
                             .next_header = protocol,
                             .hop_limit = kOuterHops,
                             .src = ends.source.bytes(),
                             .dst = ends.destination.bytes()});
  Ipv4Header ip{.version_ihl = Ipv4Header::kWithoutOptions,
                .tos = 0,
                .total_length_bytes = Be16(0),
                .id = Be16(0),
                .flags_fragment = Be16(Ipv4Header::kDontFragment),
                .ttl = kOuterHops,
                .protocol = protocol,
                .checksum = Be16(0),
                .src = Be32(ends.source.v4_host_order()),
                .dst = Be32(ends.destination.v4_host_order())};
  ip.checksum = finish_checksum(sum_bytes({reinterpret_cast<const std::byte*>(&ip), sizeof ip}));
  append(ip);
}

Encapsulation::Encapsulation(Forwarding forwarding, const TunnelEnds& ends, bool carries_v6,
                             const VxlanNetwork& vxlan)
    : is_v6_(ends.destination.is_v6()), has_udp_(forwarding != Forwarding::kIpip) {
  HG_ASSERT(ends.source.is_v6() == is_v6_);
  append_outer_ip(ends, protocol_of(forwarding, carries_v6));
  if (!has_udp_) return;
  const uint16_t port = forwarding == Forwarding::kVxlan ? kVxlanPort : kGuePort;
  append(
      UdpHeader{.src_port = Be16(0), .dst_port = Be16(port), .length_bytes = Be16(0), .checksum = Be16(0)});
  const uint8_t carried = carries_v6 ? kProtocolIpv6 : kProtocolIpv4;
  if (forwarding == Forwarding::kGue) {
    append(GueHeader{.version_and_length = 0, .protocol = carried, .flags = Be16(0)});
    return;
  }
  append(VxlanHeader{.flags = Be32(VxlanHeader::kHasVni), .vni = Be32(vxlan.vni << 8)});
  append(EthernetHeader{
      .dst = vxlan.mac, .src = vxlan.source, .type = Be16(carries_v6 ? kEtherTypeIpv6 : kEtherTypeIpv4)});
}

void Encapsulation::apply(PacketView& packet, const ParsedPacket& parsed, uint64_t flow) const {
  const uint8_t traffic_class = traffic_class_of(packet.data + parsed.ip_offset, parsed.is_v6);
  auto ethernet = header_at<EthernetHeader>(packet.data);
  ethernet.type = Be16(is_v6_ ? kEtherTypeIpv6 : kEtherTypeIpv4);
  packet.length_bytes = parsed.end;  // padding is the frame's, not the packet's
  packet.grow_front(headers_bytes_);
  header_at<EthernetHeader>(packet.data) = ethernet;
  std::byte* outer = packet.data + sizeof ethernet;
  std::memcpy(outer, headers_.data(), headers_bytes_);
  const auto outer_bytes = static_cast<uint16_t>(packet.length_bytes - sizeof ethernet);
  const auto ip_bytes = static_cast<uint16_t>(is_v6_ ? sizeof(Ipv6Header) : sizeof(Ipv4Header));
  if (is_v6_)
    finish_outer_v6(outer, static_cast<uint16_t>(outer_bytes - ip_bytes), traffic_class);
  else
    finish_outer_v4(outer, outer_bytes, traffic_class);
  if (has_udp_) finish_udp(outer, static_cast<uint16_t>(outer_bytes - ip_bytes), flow);
}

void Encapsulation::finish_outer_v4(std::byte* outer, uint16_t total_bytes, uint8_t traffic_class) const {
  auto& ip = header_at<Ipv4Header>(outer);
  ip.tos = traffic_class;
  ip.total_length_bytes = Be16(total_bytes);
  update_checksum(ip.checksum, ChecksumSum{ip.total_length_bytes.raw()} + Be16(traffic_class).raw());
}

void Encapsulation::finish_outer_v6(std::byte* outer, uint16_t payload_bytes, uint8_t traffic_class) const {
  auto& ip = header_at<Ipv6Header>(outer);
  ip.version_class_flow = Be32(6u << 28 | uint32_t{traffic_class} << 20);
  ip.payload_length_bytes = Be16(payload_bytes);
}

// Over IPv4 none (RFC 7348 section 5); over IPv6 receivers refuse datagrams without one.
void Encapsulation::finish_udp(std::byte* outer, uint16_t udp_bytes, uint64_t flow) const {
  auto& udp = header_at<UdpHeader>(outer + (is_v6_ ? sizeof(Ipv6Header) : sizeof(Ipv4Header)));
  udp.src_port = Be16(static_cast<uint16_t>(kFirstFlowPort | (flow & 0x3fff)));
  udp.length_bytes = Be16(udp_bytes);
  if (!is_v6_) return;
  const auto& ip = header_at<Ipv6Header>(outer);
  const auto* bytes = reinterpret_cast<const std::byte*>(&udp);
  const Be16 checksum =
      finish_checksum(pseudo_header_sum(ip, kProtocolUdp, udp_bytes) + sum_bytes({bytes, udp_bytes}));
  udp.checksum = checksum == Be16(0) ? Be16(0xffff) : checksum;
}

}  // namespace headgate::l4
