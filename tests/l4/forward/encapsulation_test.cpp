// SPDX-License-Identifier: Apache-2.0
// The whole frame of each tunnel, over each family and carrying each, built by the plain oracle of Packet.
#include "dataplane/l4/forward/encapsulation.hpp"

#include <gtest/gtest.h>

#include "dataplane/contract/enum_names.hpp"
#include "tests/support/packet_builder.hpp"

namespace headgate::l4 {
namespace {

using contract::Forwarding;
using test::Bytes;
using test::Packet;

constexpr MacAddress kDevice{2, 0, 0, 0, 0, 7};
constexpr MacAddress kOwn{2, 0, 0, 0, 0, 1};
constexpr std::size_t kSpareBytes = 16;
constexpr uint64_t kFlow = 0x1234567;
constexpr uint16_t kFlowPort = 49152 + (kFlow & 0x3fff);

struct Tunnel {
  Forwarding forwarding;
  bool over_v6;
  bool carries_v6;
};

class EncapsulationTest : public testing::TestWithParam<Tunnel> {
 protected:
  const char* source() const { return GetParam().over_v6 ? "2001:db8::10" : "10.0.0.10"; }
  const char* destination() const { return GetParam().over_v6 ? "2001:db8::20" : "10.0.0.20"; }
  Packet carried() const {
    return GetParam().carries_v6 ? Packet().ip("2001:db8:9::2", "2001:db8:9::100").tcp(40'000, 80)
                                 : Packet().ip("192.0.2.2", "192.0.2.100").tcp(40'000, 80);
  }
  uint8_t carried_protocol() const { return GetParam().carries_v6 ? 41 : 4; }

  static std::string_view text_of(const Bytes& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // What is behind the outer headers' UDP, or their IP.
  Bytes payload_of(const Packet& inner) const {
    const Bytes frame = inner.build();
    const Bytes ip(frame.begin() + sizeof(EthernetHeader), frame.end());
    Bytes payload;
    if (GetParam().forwarding == Forwarding::kGue)
      payload = {std::byte{0}, std::byte{carried_protocol()}, std::byte{0}, std::byte{0}};
    if (GetParam().forwarding == Forwarding::kVxlan) {
      payload = {std::byte{8}, std::byte{0}, std::byte{0},    std::byte{0},
                 std::byte{0}, std::byte{1}, std::byte{0xf4}, std::byte{0}};  // VNI 500
      const uint16_t type = GetParam().carries_v6 ? kEtherTypeIpv6 : kEtherTypeIpv4;
      test::append(payload, test::bytes_of(EthernetHeader{kDevice, kOwn, Be16(type)}));
    }
    test::append(payload, ip);
    return payload;
  }
  Bytes expected(const Packet& inner, uint8_t tos) const {
    const Bytes payload = payload_of(inner);
    Packet outer = Packet().ip(source(), destination()).tos(tos).payload(text_of(payload)).dont_fragment();
    if (GetParam().forwarding == Forwarding::kIpip)
      outer.protocol(carried_protocol());
    else
      outer.udp(kFlowPort, GetParam().forwarding == Forwarding::kGue ? 6080 : 4789);
    Bytes frame = outer.build();
    const bool has_zero_checksum = GetParam().forwarding != Forwarding::kIpip && !GetParam().over_v6;
    const std::size_t checksum_at =
        sizeof(EthernetHeader) + sizeof(Ipv4Header) + offsetof(UdpHeader, checksum);
    if (has_zero_checksum) frame[checksum_at] = frame[checksum_at + 1] = std::byte{0};
    return frame;
  }
  Bytes apply(const Packet& inner) const {
    const Encapsulation encapsulation(GetParam().forwarding,
                                      {*IpAddress::parse(source()), *IpAddress::parse(destination())},
                                      GetParam().carries_v6, {.vni = 500, .mac = kDevice, .source = kOwn});
    const Bytes frame = inner.build();
    Bytes memory(kSpareBytes + encapsulation.overhead_bytes());
    test::append(memory, frame);
    PacketView view{.data = memory.data() + kSpareBytes + encapsulation.overhead_bytes(),
                    .length_bytes = static_cast<uint16_t>(frame.size()),
                    .headroom_bytes = static_cast<uint16_t>(kSpareBytes + encapsulation.overhead_bytes())};
    encapsulation.apply(view, parse(view), kFlow);
    EXPECT_EQ(view.headroom_bytes, kSpareBytes);
    EXPECT_EQ(view.data, memory.data() + kSpareBytes);
    return Bytes(view.data, view.data + view.length_bytes);
  }
};

TEST_P(EncapsulationTest, IsTheWholePacketBehindTheTunnelsHeaders) {
  for (const std::size_t payload_bytes : {0u, 1u, 2u, 7u, 1000u}) {
    const Packet inner = carried().payload(std::string(payload_bytes, 'x'));
    EXPECT_EQ(apply(inner), expected(inner, 0)) << payload_bytes;
  }
}

// RFC 6040 section 4.1: the outer header's are the inner one's, congestion that was met among them.
TEST_P(EncapsulationTest, DscpAndEcnAreTheInnerPackets) {
  for (const int tos : {0x01, 0x02, 0x03, 0xb8, 0xff}) {
    const Packet inner = carried().tos(static_cast<uint8_t>(tos));
    EXPECT_EQ(apply(inner), expected(inner, static_cast<uint8_t>(tos))) << tos;
  }
}

TEST_P(EncapsulationTest, PaddingIsLeftBehind) {
  EXPECT_EQ(apply(carried().padding(6)), expected(carried(), 0));
}

std::vector<Tunnel> all_tunnels() {
  std::vector<Tunnel> tunnels;
  for (const auto forwarding : {Forwarding::kIpip, Forwarding::kGue, Forwarding::kVxlan})
    for (const bool over_v6 : {false, true})
      for (const bool carries_v6 : {false, true}) tunnels.push_back({forwarding, over_v6, carries_v6});
  return tunnels;
}
std::string name_of_tunnel(const testing::TestParamInfo<Tunnel>& instance) {
  const Tunnel& tunnel = instance.param;
  std::string name(contract::name_of(tunnel.forwarding));
  name += tunnel.carries_v6 ? "Ipv6Over" : "Ipv4Over";
  return name + (tunnel.over_v6 ? "Ipv6" : "Ipv4");
}
INSTANTIATE_TEST_SUITE_P(All, EncapsulationTest, testing::ValuesIn(all_tunnels()), name_of_tunnel);

}  // namespace
}  // namespace headgate::l4
