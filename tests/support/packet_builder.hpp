// SPDX-License-Identifier: Apache-2.0
// Packet: builds one frame fluently, right by default, wrong where asked. Its checksums are worked out by the
// plainest loop of RFC 1071 over the finished bytes, so that it is an oracle for the code under test and
// shares none of it: what a rewrite must yield is the same packet built with the other address.
//
//   Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40000, 80).flags(kTcpSyn).build()
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::test {

using Bytes = std::vector<std::byte>;

class Packet {
 public:
  Packet& ipv4(std::string_view src, std::string_view dst) { return ip(src, dst); }
  Packet& ipv6(std::string_view src, std::string_view dst) { return ip(src, dst); }
  Packet& ip(std::string_view src, std::string_view dst) {
    src_ = *IpAddress::parse(src);
    dst_ = *IpAddress::parse(dst);
    has_ip_ = true;
    return *this;
  }
  Packet& ether_type(uint16_t type) { return ether_type_ = type, *this; }
  Packet& ttl(uint8_t ttl) { return ttl_ = ttl, *this; }
  Packet& tos(uint8_t tos) { return tos_ = tos, *this; }
  Packet& options(std::size_t words) { return option_words_ = words, *this; }
  // Ipv6 extension header of 8 * units bytes; called again, the next follows.
  Packet& extension(uint8_t protocol, unsigned units = 1, uint8_t segments_left = 0) {
    extensions_.push_back({protocol, units, segments_left});
    return *this;
  }
  Packet& fragment(uint32_t id, unsigned offset_bytes, bool more) {
    fragment_ = true;
    fragment_id_ = id;
    fragment_offset_bytes_ = offset_bytes;
    fragment_more_ = more;
    return *this;
  }
  Packet& tcp(uint16_t src_port, uint16_t dst_port) { return ports(kProtocolTcp, src_port, dst_port); }
  Packet& udp(uint16_t src_port, uint16_t dst_port) { return ports(kProtocolUdp, src_port, dst_port); }
  Packet& icmp(uint8_t type, uint8_t code = 0, uint32_t rest = 0) {
    is_icmp_ = true;
    icmp_rest_ = rest;
    icmp_type_ = type;
    icmp_code_ = code;
    return *this;
  }
  Packet& protocol(uint8_t protocol) { return protocol_ = protocol, *this; }  // the payload is all there is
  Packet& flags(uint8_t flags) { return tcp_flags_ = flags, *this; }
  Packet& payload(std::string_view text) {
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    return payload_.assign(bytes, bytes + text.size()), *this;
  }
  // An ICMP error quotes the IP packet of `other`, cut to `length_bytes`.
  Packet& quoting(const Packet& other, std::size_t length_bytes = SIZE_MAX) {
    const Bytes frame = other.build();
    payload_.assign(frame.begin() + sizeof(EthernetHeader), frame.end());
    if (payload_.size() > length_bytes) payload_.resize(length_bytes);
    return *this;
  }
  // IPv4 only: not to be fragmented, and so without an id (RFC 6864).
  Packet& dont_fragment() { return dont_fragment_ = true, *this; }
  Packet& padding(std::size_t bytes) { return padding_bytes_ = bytes, *this; }
  Packet& partial_checksum() { return checksum_ = Checksum::kPartial, *this; }
  Packet& wrong_checksum() { return checksum_ = Checksum::kWrong, *this; }
  Packet& wrong_ip_checksum() { return wrong_ip_checksum_ = true, *this; }

  Bytes build() const;

 private:
  enum class Checksum : uint8_t { kRight, kPartial, kWrong };
  struct Extension {
    uint8_t protocol;
    unsigned units;
    uint8_t segments_left;
  };

  Packet& ports(uint8_t protocol, uint16_t src_port, uint16_t dst_port) {
    protocol_ = protocol;
    src_port_ = src_port;
    dst_port_ = dst_port;
    return *this;
  }
  uint8_t transport_protocol() const {
    if (!is_icmp_) return protocol_;
    return src_.is_v6() ? kProtocolIcmpv6 : kProtocolIcmp;
  }
  Bytes transport() const;
  void set_transport_checksum(Bytes& transport) const;
  Bytes network(const Bytes& transport) const;
  Bytes network_v4(const Bytes& transport) const;
  Bytes network_v6(const Bytes& transport) const;

  uint16_t ether_type_ = 0;
  bool has_ip_ = false;
  IpAddress src_;
  IpAddress dst_;
  uint8_t ttl_ = 64;
  uint8_t tos_ = 0;
  std::size_t option_words_ = 0;
  std::vector<Extension> extensions_;
  bool dont_fragment_ = false;
  bool fragment_ = false;
  uint32_t fragment_id_ = 0;
  unsigned fragment_offset_bytes_ = 0;
  bool fragment_more_ = false;
  uint8_t protocol_ = 0;
  bool is_icmp_ = false;
  uint8_t icmp_type_ = 0;
  uint8_t icmp_code_ = 0;
  uint32_t icmp_rest_ = 0;
  uint16_t src_port_ = 0;
  uint16_t dst_port_ = 0;
  uint8_t tcp_flags_ = kTcpAck;
  Bytes payload_;
  std::size_t padding_bytes_ = 0;
  Checksum checksum_ = Checksum::kRight;
  bool wrong_ip_checksum_ = false;
};

// RFC 1071, word by word, in host order: slow and plain.
inline uint16_t plain_sum(const Bytes& bytes, uint32_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = std::to_integer<uint32_t>(bytes[i]);
    sum += i % 2 == 0 ? byte << 8 : byte;
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint16_t>(sum);
}

inline void append(Bytes& bytes, const Bytes& more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
template <typename Header>
Bytes bytes_of(const Header& header) {
  const auto* first = reinterpret_cast<const std::byte*>(&header);
  return Bytes(first, first + sizeof header);
}

inline Bytes Packet::transport() const {
  // A later fragment is bytes out of the middle.
  if (fragment_ && fragment_offset_bytes_ > 0) return payload_;
  Bytes bytes;
  if (is_icmp_) {
    bytes = bytes_of(IcmpHeader{icmp_type_, icmp_code_, Be16(0), Be32(icmp_rest_)});
  } else if (protocol_ == kProtocolTcp) {
    bytes = bytes_of(TcpHeader{Be16(src_port_), Be16(dst_port_), Be32(1000), Be32(2000), 5 << 4, tcp_flags_,
                               Be16(512), Be16(0), Be16(0)});
  } else if (protocol_ == kProtocolUdp) {
    const auto length = static_cast<uint16_t>(sizeof(UdpHeader) + payload_.size());
    bytes = bytes_of(UdpHeader{Be16(src_port_), Be16(dst_port_), Be16(length), Be16(0)});
  }
  append(bytes, payload_);
  set_transport_checksum(bytes);
  return bytes;
}

inline void Packet::set_transport_checksum(Bytes& transport) const {
  const std::size_t at = is_icmp_                    ? offsetof(IcmpHeader, checksum)
                         : protocol_ == kProtocolTcp ? offsetof(TcpHeader, checksum)
                         : protocol_ == kProtocolUdp ? offsetof(UdpHeader, checksum)
                                                     : SIZE_MAX;
  if (at == SIZE_MAX || at + 2 > transport.size()) return;
  Bytes pseudo;
  if (!is_icmp_ || src_.is_v6()) {
    for (const auto& address : {src_, dst_})
      for (std::size_t i = 0; i < address.size_bytes(); ++i) pseudo.push_back(std::byte{address.bytes()[i]});
    append(pseudo, bytes_of(Be32(static_cast<uint32_t>(transport.size()))));
    append(pseudo, bytes_of(Be32(transport_protocol())));
  }
  const uint16_t pseudo_sum = plain_sum(pseudo);
  auto value = static_cast<uint16_t>(~plain_sum(transport, pseudo_sum));
  if (protocol_ == kProtocolUdp && value == 0) value = 0xffff;
  if (checksum_ == Checksum::kPartial) value = pseudo_sum;
  if (checksum_ == Checksum::kWrong) value = static_cast<uint16_t>(value ^ 0x0101);
  transport[at] = std::byte(value >> 8);
  transport[at + 1] = std::byte(value & 0xff);
}

inline Bytes Packet::network_v4(const Bytes& transport) const {
  Ipv4Header ip{};
  const std::size_t header_bytes = sizeof ip + 4 * option_words_;
  ip.version_ihl = static_cast<uint8_t>(0x40 | header_bytes / 4);
  ip.tos = tos_;
  ip.total_length_bytes = Be16(static_cast<uint16_t>(header_bytes + transport.size()));
  ip.id = Be16(static_cast<uint16_t>(fragment_ ? fragment_id_ : dont_fragment_ ? 0 : 1));
  ip.flags_fragment = Be16(static_cast<uint16_t>((dont_fragment_ ? 0x4000 : 0) |
                                                 (fragment_more_ ? 0x2000 : 0) | fragment_offset_bytes_ / 8));
  ip.ttl = ttl_;
  ip.protocol = transport_protocol();
  ip.src = Be32(src_.v4_host_order());
  ip.dst = Be32(dst_.v4_host_order());
  Bytes bytes = bytes_of(ip);
  bytes.resize(header_bytes, std::byte{1});  // no-operation options
  auto checksum = static_cast<uint16_t>(~plain_sum(bytes));
  if (wrong_ip_checksum_) ++checksum;
  bytes[10] = std::byte(checksum >> 8);
  bytes[11] = std::byte(checksum & 0xff);
  append(bytes, transport);
  return bytes;
}

inline Bytes Packet::network_v6(const Bytes& transport) const {
  Bytes chain;
  std::vector<uint8_t> next;  // what each header of the chain calls the one behind it
  for (const auto& extension : extensions_) next.push_back(extension.protocol);
  if (fragment_) next.push_back(kProtocolFragment);
  next.push_back(transport_protocol());
  std::size_t position = 1;
  for (const auto& extension : extensions_) {
    Bytes header(extension.units * 8, std::byte{0});
    header[0] = std::byte{next[position++]};
    header[1] = std::byte(extension.protocol == kProtocolAuthentication ? extension.units * 2 - 2
                                                                        : extension.units - 1);
    header[3] = std::byte{extension.segments_left};
    append(chain, header);
  }
  if (fragment_)
    append(chain, bytes_of(Ipv6FragmentHeader{
                      next[position], 0, Be16(static_cast<uint16_t>(fragment_offset_bytes_ | fragment_more_)),
                      Be32(fragment_id_)}));
  append(chain, transport);
  Ipv6Header ip{};
  ip.version_class_flow = Be32(6u << 28 | uint32_t{tos_} << 20);
  ip.payload_length_bytes = Be16(static_cast<uint16_t>(chain.size()));
  ip.next_header = next[0];
  ip.hop_limit = ttl_;
  ip.src = src_.bytes();
  ip.dst = dst_.bytes();
  Bytes bytes = bytes_of(ip);
  append(bytes, chain);
  return bytes;
}

inline Bytes Packet::build() const {
  const uint16_t type = ether_type_ != 0 ? ether_type_ : src_.is_v6() ? kEtherTypeIpv6 : kEtherTypeIpv4;
  Bytes frame = bytes_of(EthernetHeader{{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, Be16(type)});
  if (has_ip_) {
    const Bytes segment = transport();
    append(frame, src_.is_v6() ? network_v6(segment) : network_v4(segment));
  } else {
    append(frame, payload_);
  }
  frame.resize(frame.size() + padding_bytes_);
  return frame;
}

}  // namespace headgate::test
