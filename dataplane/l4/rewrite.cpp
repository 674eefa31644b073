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

Rewrite::Rewrite(const Endpoint& from, const Endpoint& to)
    : address(to.address.bytes()), port(to.port), is_v6(to.address.is_v6()) {
  HG_ASSERT(from.address.is_v6() == is_v6);
  const ChecksumSum addresses = is_v6 ? delta_of(from.address.bytes(), to.address.bytes())
                                      : delta_of(v4_of(from.address), v4_of(to.address));
  address_delta = fold(addresses);
  transport_delta = fold(addresses + delta_of(Be16(from.port), Be16(to.port)));
}

void rewrite_destination(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite) {
  rewrite_destination_address(frame, parsed, rewrite);
  auto& tcp = header_at<TcpHeader>(frame + parsed.l4_offset);
  tcp.dst_port = rewrite.port;
  update_checksum(tcp.checksum, rewrite.transport_delta);
}

void rewrite_source(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite) {
  rewrite_source_address(frame, parsed, rewrite);
  auto& tcp = header_at<TcpHeader>(frame + parsed.l4_offset);
  tcp.src_port = rewrite.port;
  update_checksum(tcp.checksum, rewrite.transport_delta);
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
