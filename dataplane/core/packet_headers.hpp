// SPDX-License-Identifier: Apache-2.0
// The wire headers that l4 reads and writes, exactly as they lie in a frame. All are packed, of alignment 1
// and trivially copyable, so that they may be laid over any byte of it. Fields are in network order by type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/mac_address.hpp"

namespace headgate {

inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;

struct [[gnu::packed]] EthernetHeader {
  MacAddress dst;
  MacAddress src;
  Be16 type;
};
static_assert(sizeof(EthernetHeader) == 14 && alignof(EthernetHeader) == 1);

// IANA protocol numbers; those of IPv6 extension headers share the space.
inline constexpr uint8_t kProtocolHopByHop = 0;
inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kProtocolIpv4 = 4;  // as what is carried
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolUdp = 17;
inline constexpr uint8_t kProtocolIpv6 = 41;
inline constexpr uint8_t kProtocolRouting = 43;
inline constexpr uint8_t kProtocolFragment = 44;
inline constexpr uint8_t kProtocolAuthentication = 51;
inline constexpr uint8_t kProtocolIcmpv6 = 58;
inline constexpr uint8_t kProtocolDestinationOptions = 60;

struct [[gnu::packed]] Ipv4Header {                  // RFC 791
  static constexpr uint8_t kWithoutOptions = 0x45;   // version 4, five words
  static constexpr uint16_t kDontFragment = 0x4000;  // of flags_fragment

  uint8_t version_ihl;
  uint8_t tos;
  Be16 total_length_bytes;
  Be16 id;
  Be16 flags_fragment;
  uint8_t ttl;
  uint8_t protocol;
  Be16 checksum;
  Be32 src;
  Be32 dst;

  unsigned version() const { return version_ihl >> 4; }
  unsigned header_bytes() const { return (version_ihl & 0x0fu) * 4; }
  unsigned fragment_offset_bytes() const { return (flags_fragment.host() & 0x1fffu) * 8; }
  bool is_fragment() const { return (flags_fragment.host() & 0x3fff) != 0; }  // first or later
};
static_assert(sizeof(Ipv4Header) == 20 && alignof(Ipv4Header) == 1);
static_assert(offsetof(Ipv4Header, dst) == 16);

using Ipv6Bytes = std::array<uint8_t, 16>;

struct [[gnu::packed]] Ipv6Header {  // RFC 8200
  Be32 version_class_flow;
  Be16 payload_length_bytes;
  uint8_t next_header;
  uint8_t hop_limit;
  Ipv6Bytes src;
  Ipv6Bytes dst;

  unsigned version() const { return version_class_flow.host() >> 28; }
};
static_assert(sizeof(Ipv6Header) == 40 && alignof(Ipv6Header) == 1);
static_assert(offsetof(Ipv6Header, dst) == 24);

// Hop-by-hop, routing, destination options; the authentication header counts its length in other units.
struct [[gnu::packed]] Ipv6ExtensionHeader {
  uint8_t next_header;
  uint8_t length;  // in units of 8 bytes, the first not counted (RFC 8200); of 4 less 2 for AH (RFC 4302)
  uint8_t routing_type;  // of a routing header only
  uint8_t segments_left;
};
static_assert(sizeof(Ipv6ExtensionHeader) == 4);

struct [[gnu::packed]] Ipv6FragmentHeader {
  uint8_t next_header;
  uint8_t reserved;
  Be16 offset_flags;
  Be32 id;

  unsigned offset_bytes() const { return offset_flags.host() & 0xfff8u; }
  bool more_fragments() const { return (offset_flags.host() & 1) != 0; }
};
static_assert(sizeof(Ipv6FragmentHeader) == 8);

// What the headers of TCP and UDP begin with, and all that the quote in an ICMP error may have of them.
struct [[gnu::packed]] PortsHeader {
  Be16 src_port;
  Be16 dst_port;
};
static_assert(sizeof(PortsHeader) == 4);

inline constexpr uint8_t kTcpFin = 0x01;
inline constexpr uint8_t kTcpSyn = 0x02;
inline constexpr uint8_t kTcpRst = 0x04;
inline constexpr uint8_t kTcpPsh = 0x08;
inline constexpr uint8_t kTcpAck = 0x10;

struct [[gnu::packed]] TcpHeader {  // RFC 9293
  Be16 src_port;
  Be16 dst_port;
  Be32 sequence;
  Be32 acknowledgement;
  uint8_t data_offset;
  uint8_t flags;
  Be16 window;
  Be16 checksum;
  Be16 urgent;

  unsigned header_bytes() const { return (data_offset >> 4) * 4u; }
};
static_assert(sizeof(TcpHeader) == 20 && offsetof(TcpHeader, checksum) == 16);

struct [[gnu::packed]] UdpHeader {
  Be16 src_port;
  Be16 dst_port;
  Be16 length_bytes;
  Be16 checksum;
};
static_assert(sizeof(UdpHeader) == 8);

struct [[gnu::packed]] VxlanHeader {  // RFC 7348; an Ethernet frame follows
  static constexpr uint32_t kHasVni = 0x08000000;

  Be32 flags;
  Be32 vni;  // in the upper 24 bits
};
static_assert(sizeof(VxlanHeader) == 8);

struct [[gnu::packed]] GueHeader {  // draft-ietf-intarea-gue-09, version 0; an IP packet follows
  uint8_t version_and_length;       // 0: no options
  uint8_t protocol;
  Be16 flags;
};
static_assert(sizeof(GueHeader) == 4);

// The first eight bytes of ICMP and ICMPv6; an error quotes the packet that caused it right behind them.
struct [[gnu::packed]] IcmpHeader {
  uint8_t type;
  uint8_t code;
  Be16 checksum;
  Be32 rest;
};
static_assert(sizeof(IcmpHeader) == 8);

static_assert(std::is_trivially_copyable_v<Ipv4Header> && std::is_trivially_copyable_v<TcpHeader>);

// A header at this byte. The caller has checked that all of it lies within the frame.
template <typename Header>
Header& header_at(std::byte* bytes) {
  static_assert(alignof(Header) == 1 && std::is_trivially_copyable_v<Header>);
  return *reinterpret_cast<Header*>(bytes);
}
template <typename Header>
const Header& header_at(const std::byte* bytes) {
  static_assert(alignof(Header) == 1 && std::is_trivially_copyable_v<Header>);
  return *reinterpret_cast<const Header*>(bytes);
}

}  // namespace headgate
