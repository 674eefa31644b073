// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/rewrite.hpp"

#include <cstring>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/checksum.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::l4 {
namespace {

Be32 v4_of(const IpAddress& address) { return Be32(address.v4_host_order()); }

void set_address(std::byte* at, const Rewrite& rewrite) {
  if (rewrite.is_v6)
    std::memcpy(at, rewrite.address.data(), sizeof(Ipv6Bytes));
  else
    std::memcpy(at, rewrite.address.data(), sizeof(Be32));
}

void update_ip_checksum(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite) {
  if (rewrite.is_v6) return;
  update_checksum(header_at<Ipv4Header>(frame + parsed.ip_offset).checksum, rewrite.address_delta);
}

std::size_t source_offset(bool is_v6) {
  return is_v6 ? offsetof(Ipv6Header, src) : offsetof(Ipv4Header, src);
}
std::size_t destination_offset(bool is_v6) {
  return is_v6 ? offsetof(Ipv6Header, dst) : offsetof(Ipv4Header, dst);
}

}  // namespace

Rewrite::Rewrite(const SideV4& from, const SideV4& to) : port(to.port) {
  std::memcpy(address.data(), &to.address, sizeof to.address);
  const ChecksumSum addresses = delta_of(from.address, to.address);
  address_delta = fold(addresses);
  transport_delta = fold(addresses + delta_of(from.port, to.port));
}

Rewrite::Rewrite(const SideV6& from, const SideV6& to) : address(to.address), port(to.port), is_v6(true) {
  const ChecksumSum addresses = delta_of(from.address, to.address);
  address_delta = fold(addresses);
  transport_delta = fold(addresses + delta_of(from.port, to.port));
}

Rewrite::Rewrite(const Endpoint& from, const Endpoint& to)
    : Rewrite(to.address.is_v6() ? Rewrite(SideV6{from.address.bytes(), Be16(from.port)},
                                           SideV6{to.address.bytes(), Be16(to.port)})
                                 : Rewrite(SideV4{v4_of(from.address), Be16(from.port)},
                                           SideV4{v4_of(to.address), Be16(to.port)})) {
  HG_ASSERT(from.address.is_v6() == is_v6);
}

Be16* transport_checksum(std::byte* frame, const ParsedPacket& parsed) {
  const bool is_udp = parsed.protocol == kProtocolUdp;
  const std::size_t offset = is_udp ? offsetof(UdpHeader, checksum) : offsetof(TcpHeader, checksum);
  if (parsed.l4_offset + offset + sizeof(Be16) > parsed.end) return nullptr;
  Be16* field = &header_at<Be16>(frame + parsed.l4_offset + offset);
  return is_udp && *field == Be16(0) ? nullptr : field;
}

void update_transport_checksum(std::byte* frame, const ParsedPacket& parsed, uint16_t delta) {
  Be16* field = transport_checksum(frame, parsed);
  if (field == nullptr) return;
  update_checksum(*field, delta);
  // RFC 768: zero means "none", so a UDP checksum of zero is sent as its other spelling.
  if (parsed.protocol == kProtocolUdp && *field == Be16(0)) *field = Be16(0xffff);
}

void rewrite_destination(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite) {
  rewrite_destination_address(frame, parsed, rewrite);
  header_at<PortsHeader>(frame + parsed.l4_offset).dst_port = rewrite.port;
  update_transport_checksum(frame, parsed, rewrite.transport_delta);
}

void rewrite_source(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite) {
  rewrite_source_address(frame, parsed, rewrite);
  header_at<PortsHeader>(frame + parsed.l4_offset).src_port = rewrite.port;
  update_transport_checksum(frame, parsed, rewrite.transport_delta);
}

void rewrite_destination_address(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite) {
  set_address(frame + parsed.ip_offset + destination_offset(rewrite.is_v6), rewrite);
  update_ip_checksum(frame, parsed, rewrite);
}

void rewrite_source_address(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite) {
  set_address(frame + parsed.ip_offset + source_offset(rewrite.is_v6), rewrite);
  update_ip_checksum(frame, parsed, rewrite);
}

}  // namespace headgate::l4
