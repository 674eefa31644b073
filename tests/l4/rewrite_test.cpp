// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/rewrite.hpp"

#include <random>

#include <gtest/gtest.h>

#include "tests/support/packet_builder.hpp"

namespace headgate::l4 {
namespace {

using test::Bytes;
using test::Packet;

std::string random_address(std::mt19937& random, bool v6) {
  if (!v6) return IpAddress::v4(static_cast<uint32_t>(random())).to_string();
  std::array<uint8_t, 16> bytes{};
  for (auto& byte : bytes) byte = static_cast<uint8_t>(random() % 3 == 0 ? 0xff : random());
  return IpAddress::v6(bytes).to_string();
}

ParsedPacket whole(Bytes& bytes) {
  return parse({.data = bytes.data(),
                .length_bytes = static_cast<uint16_t>(bytes.size()),
                .trust = ChecksumTrust::kComplete});
}

// A rewritten packet is, byte for byte, the packet built with the other address and port.
TEST(Rewrite, EqualsThePacketBuiltAnew) {
  std::mt19937 random(1);
  for (int turn = 0; turn < 5000; ++turn) {
    const bool v6 = turn % 2 == 0;
    const auto other = random_address(random, v6);
    const Endpoint from{*IpAddress::parse(random_address(random, v6)), static_cast<uint16_t>(random())};
    const Endpoint to{*IpAddress::parse(random_address(random, v6)), static_cast<uint16_t>(random())};
    const std::string payload(random() % 30, 'x');
    const auto build = [&](const Endpoint& endpoint, bool source) {
      const auto address = endpoint.address.to_string();
      Packet packet = source ? Packet().ip(address, other).tcp(endpoint.port, 4000)
                             : Packet().ip(other, address).tcp(4000, endpoint.port);
      return packet.ttl(static_cast<uint8_t>(turn)).tos(3).payload(payload).build();
    };
    for (const bool source : {false, true}) {
      Bytes bytes = build(from, source);
      if (source)
        rewrite_source(bytes.data(), whole(bytes), Rewrite(from, to));
      else
        rewrite_destination(bytes.data(), whole(bytes), Rewrite(from, to));
      // Of a checksum 0 and 0xffff mean the same, and increments may come to the other one.
      ASSERT_EQ(bytes.size(), build(to, source).size());
      const Bytes expected = build(to, source);
      if (bytes != expected) {
        const ParsedPacket parsed = whole(bytes);
        ASSERT_EQ(parsed.ip_fault, DropReason::kNone) << turn;
        auto& tcp = header_at<TcpHeader>(bytes.data() + parsed.l4_offset);
        ASSERT_TRUE(tcp.checksum == Be16(0) || tcp.checksum == Be16(0xffff)) << turn;
      }
    }
  }
}

TEST(Rewrite, ThereAndBackIsTheSame) {
  const Endpoint vip = *Endpoint::parse("[2001:db8::100]:80");
  const Endpoint local = *Endpoint::parse("[fd68:6764:7465::1]:1024");
  Bytes bytes = Packet().ipv6("2001:db8::2", "2001:db8::100").tcp(4000, 80).payload("hello").build();
  const Bytes before = bytes;
  rewrite_destination(bytes.data(), whole(bytes), Rewrite(vip, local));
  EXPECT_NE(bytes, before);
  rewrite_destination(bytes.data(), whole(bytes), Rewrite(local, vip));
  EXPECT_EQ(bytes, before);
}

TEST(Rewrite, OfALaterFragmentTouchesAddressesAlone) {
  Packet packet =
      Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(4000, 80).fragment(9, 80, false).payload("12345678");
  Bytes bytes = packet.build();
  rewrite_destination_address(
      bytes.data(), whole(bytes),
      Rewrite(*Endpoint::parse("192.0.2.100:80"), *Endpoint::parse("198.19.255.1:1024")));
  EXPECT_EQ(bytes, packet.ipv4("192.0.2.2", "198.19.255.1").build());
}

}  // namespace
}  // namespace headgate::l4
