// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/packet.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/packet_builder.hpp"

namespace headgate::l4 {
namespace {

using test::Bytes;
using test::Packet;

constexpr const char* kA4 = "192.0.2.2";
constexpr const char* kB4 = "192.0.2.100";
constexpr const char* kA6 = "2001:db8::2";
constexpr const char* kB6 = "2001:db8::100";

ParsedPacket parse_bytes(Bytes bytes) {
  return parse({.data = bytes.data(), .length_bytes = static_cast<uint16_t>(bytes.size())});
}

Bytes cut(Bytes bytes, std::size_t length) {
  bytes.resize(length);
  return bytes;
}
Bytes with_byte(Bytes bytes, std::size_t at, unsigned value) {
  bytes.at(at) = std::byte(value);
  return bytes;
}

struct KindCase {
  const char* description;
  Bytes bytes;
  PacketKind kind;
  uint16_t l4_offset;
};

TEST(Parse, FindsTheTransportHeader) {
  const KindCase cases[] = {
      {"plain TCP", Packet().ipv4(kA4, kB4).tcp(1, 80).build(), PacketKind::kTcp, 34},
      {"TCP behind IPv4 options", Packet().ipv4(kA4, kB4).options(10).tcp(1, 80).build(), PacketKind::kTcp,
       74},
      {"TCP with padding behind", Packet().ipv4(kA4, kB4).tcp(1, 80).padding(6).build(), PacketKind::kTcp,
       34},
      {"UDP", Packet().ipv4(kA4, kB4).udp(1, 53).payload("?").build(), PacketKind::kUdp, 34},
      {"echo", Packet().ipv4(kA4, kB4).icmp(8).build(), PacketKind::kIcmp, 34},
      {"ICMP error", Packet().ipv4(kA4, kB4).icmp(3, 4).build(), PacketKind::kIcmpError, 34},
      {"OSPF", Packet().ipv4(kA4, kB4).protocol(89).payload("x").build(), PacketKind::kOtherIp, 34},
      {"first fragment", Packet().ipv4(kA4, kB4).tcp(1, 80).fragment(9, 0, true).build(), PacketKind::kTcp,
       34},
      {"later fragment", Packet().ipv4(kA4, kB4).tcp(1, 80).fragment(9, 8, false).payload("abc").build(),
       PacketKind::kLaterFragment, 34},
      {"plain TCP over IPv6", Packet().ipv6(kA6, kB6).tcp(1, 80).build(), PacketKind::kTcp, 54},
      {"behind hop-by-hop and destination options",
       Packet()
           .ipv6(kA6, kB6)
           .extension(kProtocolHopByHop)
           .extension(kProtocolDestinationOptions, 3)
           .tcp(1, 80)
           .build(),
       PacketKind::kTcp, 86},
      {"behind an authentication header",
       Packet().ipv6(kA6, kB6).extension(kProtocolAuthentication, 3).tcp(1, 80).build(), PacketKind::kTcp,
       78},
      {"behind a routing header that is done",
       Packet().ipv6(kA6, kB6).extension(kProtocolRouting, 1, 0).tcp(1, 80).build(), PacketKind::kTcp, 62},
      {"a routing header that is not",
       Packet().ipv6(kA6, kB6).extension(kProtocolRouting, 1, 1).tcp(1, 80).build(), PacketKind::kOtherIp,
       54},
      {"an atomic fragment is a whole packet",
       Packet().ipv6(kA6, kB6).tcp(1, 80).fragment(9, 0, false).build(), PacketKind::kTcp, 62},
      {"a later fragment of IPv6",
       Packet().ipv6(kA6, kB6).tcp(1, 80).fragment(9, 16, true).payload("abcdefgh").build(),
       PacketKind::kLaterFragment, 62},
      {"packet too big", Packet().ipv6(kA6, kB6).icmp(2).build(), PacketKind::kIcmpError, 54},
      {"no next header", Packet().ipv6(kA6, kB6).protocol(59).build(), PacketKind::kOtherIp, 54},
  };
  for (const auto& [description, bytes, kind, l4_offset] : cases) {
    const ParsedPacket parsed = parse_bytes(bytes);
    EXPECT_EQ(parsed.ip_fault, DropReason::kNone) << description;
    EXPECT_EQ(parsed.transport_fault, DropReason::kNone) << description;
    EXPECT_EQ(parsed.kind, kind) << description;
    EXPECT_EQ(parsed.l4_offset, l4_offset) << description;
  }
}

TEST(Parse, PaddingIsNotTheDatagrams) {
  const auto parsed = parse_bytes(Packet().ipv4(kA4, kB4).tcp(1, 80).payload("abc").padding(20).build());
  EXPECT_EQ(parsed.l4_bytes(), sizeof(TcpHeader) + 3);
}

TEST(Parse, NeighbourTrafficIsKnown) {
  EXPECT_TRUE(parse_bytes(Packet().ether_type(kEtherTypeArp).payload("arp").build()).is_neighbour);
  for (uint8_t type = 133; type <= 137; ++type)
    EXPECT_TRUE(parse_bytes(Packet().ipv6(kA6, kB6).icmp(type).build()).is_neighbour);
  EXPECT_FALSE(parse_bytes(Packet().ipv6(kA6, kB6).icmp(128).build()).is_neighbour);
  EXPECT_FALSE(parse_bytes(Packet().ipv4(kA4, kB4).icmp(133).build()).is_neighbour);
  EXPECT_EQ(parse_bytes(Packet().ether_type(0x88cc).build()).kind, PacketKind::kNotIp);
}

struct FaultCase {
  const char* description;
  Bytes bytes;
  DropReason ip_fault;
  DropReason transport_fault;
};

TEST(Parse, NamesWhatIsWrong) {
  const Bytes v4 = Packet().ipv4(kA4, kB4).tcp(1, 80).build();
  const Bytes v6 = Packet().ipv6(kA6, kB6).tcp(1, 80).build();
  Packet many = Packet().ipv6(kA6, kB6);
  for (int i = 0; i < 9; ++i) many.extension(kProtocolDestinationOptions);
  const FaultCase cases[] = {
      {"nothing at all", {}, DropReason::kFrameTooShort, DropReason::kNone},
      {"half an Ethernet header", cut(v4, 13), DropReason::kFrameTooShort, DropReason::kNone},
      {"no IPv4 header", cut(v4, 14), DropReason::kIpHeaderInvalid, DropReason::kNone},
      {"half an IPv4 header", cut(v4, 33), DropReason::kIpHeaderInvalid, DropReason::kNone},
      {"version 5", with_byte(v4, 14, 0x55), DropReason::kIpHeaderInvalid, DropReason::kNone},
      {"header length 4 words", with_byte(v4, 14, 0x44), DropReason::kIpHeaderInvalid, DropReason::kNone},
      {"header length past the end", with_byte(v4, 14, 0x4f), DropReason::kIpHeaderInvalid,
       DropReason::kNone},
      {"total length past the frame", with_byte(v4, 17, 41), DropReason::kIpHeaderInvalid, DropReason::kNone},
      {"total length within the header", with_byte(v4, 17, 19), DropReason::kIpHeaderInvalid,
       DropReason::kNone},
      {"checksum", Packet().ipv4(kA4, kB4).tcp(1, 80).wrong_ip_checksum().build(),
       DropReason::kIpChecksumWrong, DropReason::kNone},
      {"no IPv6 header", cut(v6, 53), DropReason::kIpHeaderInvalid, DropReason::kNone},
      {"IPv6 version", with_byte(v6, 14, 0x40), DropReason::kIpHeaderInvalid, DropReason::kNone},
      {"IPv6 payload past the frame", with_byte(v6, 19, 21), DropReason::kIpHeaderInvalid, DropReason::kNone},
      {"TCP data offset 4", with_byte(v4, 14 + 20 + 12, 0x40), DropReason::kNone,
       DropReason::kTransportTruncated},
      {"TCP data offset past the end", with_byte(v4, 14 + 20 + 12, 0xf0), DropReason::kNone,
       DropReason::kTransportTruncated},
      {"TCP header not whole in IPv6", with_byte(v6, 19, 19), DropReason::kNone,
       DropReason::kTransportTruncated},
      {"UDP header not whole", with_byte(Packet().ipv6(kA6, kB6).udp(1, 2).build(), 19, 7), DropReason::kNone,
       DropReason::kTransportTruncated},
      {"ICMP header not whole", with_byte(Packet().ipv6(kA6, kB6).icmp(1).build(), 19, 7), DropReason::kNone,
       DropReason::kTransportTruncated},
      {"an extension past the end",
       with_byte(Packet().ipv6(kA6, kB6).extension(kProtocolHopByHop).tcp(1, 80).build(), 55, 200),
       DropReason::kNone, DropReason::kExtensionsInvalid},
      {"an extension without room",
       with_byte(Packet().ipv6(kA6, kB6).protocol(kProtocolHopByHop).payload("abc").build(), 54, 6),
       DropReason::kNone, DropReason::kExtensionsInvalid},
      {"nine extensions", many.tcp(1, 80).build(), DropReason::kNone, DropReason::kExtensionsInvalid},
  };
  for (const auto& [description, bytes, ip_fault, transport_fault] : cases) {
    const ParsedPacket parsed = parse_bytes(bytes);
    EXPECT_EQ(name_of(parsed.ip_fault), name_of(ip_fault)) << description;
    EXPECT_EQ(name_of(parsed.transport_fault), name_of(transport_fault)) << description;
  }
}

TEST(Parse, WhatItReportsLiesWithinTheFrame) {
  std::mt19937 random(1);
  const Bytes seeds[] = {
      Packet().ipv4(kA4, kB4).options(3).tcp(1, 80).payload("hello").build(),
      Packet().ipv6(kA6, kB6).extension(kProtocolHopByHop).fragment(3, 0, true).tcp(1, 80).build(),
      Packet().ipv6(kA6, kB6).icmp(1).payload("quoted").build()};
  for (int turn = 0; turn < 100'000; ++turn) {
    Bytes bytes = seeds[random() % std::size(seeds)];
    for (unsigned i = 0; i <= random() % 4; ++i) bytes[random() % bytes.size()] = std::byte(random());
    bytes.resize(random() % (bytes.size() + 1));
    bytes.shrink_to_fit();
    const ParsedPacket parsed = parse_bytes(bytes);
    if (parsed.ip_fault != DropReason::kNone || parsed.kind == PacketKind::kNotIp) continue;
    ASSERT_LE(parsed.l4_offset, parsed.end);
    ASSERT_LE(parsed.end, bytes.size());
    if (parsed.kind != PacketKind::kTcp || parsed.transport_fault != DropReason::kNone) continue;
    ASSERT_GE(parsed.l4_bytes(), sizeof(TcpHeader));
  }
}

}  // namespace
}  // namespace headgate::l4
