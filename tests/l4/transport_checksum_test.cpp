// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/transport_checksum.hpp"

#include <gtest/gtest.h>

#include "tests/support/packet_builder.hpp"

namespace headgate::l4 {
namespace {

using test::Bytes;
using test::Packet;

struct Case {
  const char* description;
  Packet packet;
};

std::vector<Case> packets() {
  std::vector<Case> cases;
  for (const bool v6 : {false, true}) {
    const char* src = v6 ? "2001:db8::2" : "192.0.2.2";
    const char* dst = v6 ? "2001:db8::100" : "192.0.2.100";
    cases.push_back({"bare TCP", Packet().ip(src, dst).tcp(4000, 80)});
    cases.push_back({"an odd number of bytes", Packet().ip(src, dst).tcp(4000, 80).payload("odd")});
    cases.push_back(
        {"padding that does not count", Packet().ip(src, dst).tcp(4000, 80).payload("x").padding(9)});
    cases.push_back({"UDP", Packet().ip(src, dst).udp(4000, 53).payload("question")});
    cases.push_back({"long", Packet().ip(src, dst).tcp(4000, 80).payload(std::string(1400, '\xff'))});
  }
  cases.push_back(
      {"behind options", Packet().ip("10.0.0.1", "10.0.0.2").options(4).tcp(1, 2).payload("abc")});
  cases.push_back({"behind extensions", Packet().ip("::1", "::2").extension(kProtocolHopByHop).tcp(1, 2)});
  return cases;
}

PacketView view(Bytes& bytes, ChecksumTrust trust) {
  return {.data = bytes.data(), .length_bytes = static_cast<uint16_t>(bytes.size()), .trust = trust};
}

bool finish_or_check(const PacketView& frame) {
  const ParsedPacket parsed = parse(frame);
  const std::byte* ip = frame.data + parsed.ip_offset;
  return parsed.is_v6 ? finish_or_check_checksum(header_at<Ipv6Header>(ip), frame, parsed)
                      : finish_or_check_checksum(header_at<Ipv4Header>(ip), frame, parsed);
}

TEST(TransportChecksum, APartialOneIsFinished) {
  for (auto& [description, packet] : packets()) {
    const Bytes whole = packet.build();
    Bytes bytes = packet.partial_checksum().build();
    const PacketView frame = view(bytes, ChecksumTrust::kMayBePartial);
    finish_partial_checksum(frame, parse(frame));
    EXPECT_EQ(bytes, whole) << description;
    Bytes again = packet.build();
    const PacketView second = view(again, ChecksumTrust::kMayBePartial);
    EXPECT_TRUE(finish_or_check(second)) << description;
    EXPECT_EQ(again, whole) << description;
  }
}

TEST(TransportChecksum, AWholeOneIsLeftAsItIs) {
  for (auto& [description, packet] : packets()) {
    for (const bool wrong : {false, true}) {
      const Bytes before = wrong ? packet.wrong_checksum().build() : packet.build();
      Bytes bytes = before;
      const PacketView frame = view(bytes, ChecksumTrust::kMayBePartial);
      finish_partial_checksum(frame, parse(frame));
      EXPECT_EQ(bytes, before) << description;
      EXPECT_EQ(finish_or_check(frame), !wrong) << description;
    }
  }
}

TEST(TransportChecksum, FromANicAPartialOneIsWrong) {
  Bytes bytes = Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(4000, 80).partial_checksum().build();
  const Bytes before = bytes;
  const PacketView frame = view(bytes, ChecksumTrust::kComplete);
  EXPECT_FALSE(finish_or_check(frame));
  finish_partial_checksum(frame, parse(frame));
  EXPECT_EQ(bytes, before);
}

TEST(TransportChecksum, ANicThatHasCheckedIsBelieved) {
  Bytes bytes = Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(4000, 80).wrong_checksum().build();
  const PacketView frame = view(bytes, ChecksumTrust::kVerified);
  EXPECT_TRUE(finish_or_check(frame));
}

// RFC 768: a UDP checksum that comes to zero is sent as all ones, because zero says that there is none.
TEST(TransportChecksum, UdpNeverBecomesZero) {
  bool seen = false;
  for (unsigned port = 1; port < 65'536 && !seen; ++port) {
    Packet packet = Packet().ipv4("192.0.2.2", "192.0.2.100").udp(static_cast<uint16_t>(port), 53);
    Bytes bytes = packet.partial_checksum().build();
    const PacketView frame = view(bytes, ChecksumTrust::kMayBePartial);
    finish_partial_checksum(frame, parse(frame));
    const Be16 field = header_at<UdpHeader>(bytes.data() + 34).checksum;
    ASSERT_NE(field, Be16(0));
    seen = field == Be16(0xffff);
  }
  EXPECT_TRUE(seen);
}

// RFC 9868: what is behind a datagram in its packet is not summed.
TEST(TransportChecksum, OfADatagramIsOverItsOwnLength) {
  for (const auto& [src, dst] : {std::pair{"10.0.0.1", "10.0.0.2"}, std::pair{"::1", "::2"}}) {
    Bytes bytes = Packet().ip(src, dst).udp(1, 2).payload("abcd").build();
    const auto udp_at = bytes.size() - 4 - sizeof(UdpHeader);
    // The same datagram, two bytes shorter, in a packet as long as before.
    const Bytes shorter = Packet().ip(src, dst).udp(1, 2).payload("ab").build();
    std::copy(shorter.begin() + static_cast<std::ptrdiff_t>(shorter.size() - 2 - sizeof(UdpHeader)),
              shorter.end(), bytes.begin() + static_cast<std::ptrdiff_t>(udp_at));
    EXPECT_TRUE(finish_or_check(view(bytes, ChecksumTrust::kComplete))) << src;
    for (const unsigned length : {0u, 7u, 13u}) {
      header_at<UdpHeader>(bytes.data() + udp_at).length_bytes = Be16(static_cast<uint16_t>(length));
      EXPECT_EQ(parse(view(bytes, ChecksumTrust::kComplete)).transport_fault, DropReason::kTransportTruncated)
          << length;
    }
  }
}

}  // namespace
}  // namespace headgate::l4
