// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/icmp_answer.hpp"

#include <gtest/gtest.h>

#include "tests/support/packet_builder.hpp"

namespace headgate::l4 {
namespace {

using test::Bytes;
using test::Packet;

constexpr std::size_t kRoomBytes = 64;

struct Answered {
  bool answered = false;
  Bytes frame;  // as it is afterwards
};

template <typename Make>
Answered answer_by(const Packet& packet, std::size_t headroom_bytes, Make make) {
  const Bytes frame = packet.build();
  Bytes memory(headroom_bytes);
  test::append(memory, frame);
  PacketView view{.data = memory.data() + headroom_bytes,
                  .length_bytes = static_cast<uint16_t>(frame.size()),
                  .headroom_bytes = static_cast<uint16_t>(headroom_bytes)};
  const bool answered = make(view, parse(view));
  EXPECT_EQ(view.data, memory.data() + view.headroom_bytes);
  return {answered, Bytes(view.data, view.data + view.length_bytes)};
}

Answered answer(const Packet& packet, std::size_t headroom_bytes = kRoomBytes) {
  return answer_by(packet, headroom_bytes, answer_time_exceeded);
}

// The MAC addresses are those of the frame, turned around.
Bytes turned_around(Bytes frame) {
  std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
  return frame;
}

struct AnsweredFamily {
  const char* client;
  const char* vip;
  uint8_t type;
  std::size_t quoted_bytes_max;  // RFC 1812: 576 in all; RFC 4443: 1280
};
constexpr AnsweredFamily kAnsweredFamilies[] = {{"192.0.2.2", "192.0.2.100", 11, 576 - 28},
                                                {"2001:db8::2", "2001:db8::100", 3, 1280 - 48}};

TEST(IcmpAnswer, QuotesAsMuchAsMayBe) {
  for (const auto& [client, vip, type, quoted_bytes_max] : kAnsweredFamilies)
    for (const std::size_t payload_bytes : {0u, 1u, 400u, 1400u}) {
      const auto in =
          Packet().ip(client, vip).udp(33'434, 53).ttl(1).payload(std::string(payload_bytes, 'x'));
      const auto out = Packet().ip(vip, client).dont_fragment().icmp(type).quoting(in, quoted_bytes_max);
      const auto [answered, frame] = answer(in);
      EXPECT_TRUE(answered);
      const Bytes expected = turned_around(out.build());
      EXPECT_EQ(frame, expected) << client << " " << payload_bytes;
    }
}

TEST(IcmpAnswer, TooBigSaysWhatMayBeSent) {
  const auto too_big = [](const Packet& packet, uint16_t mtu_bytes) {
    return answer_by(packet, kRoomBytes, [mtu_bytes](PacketView& view, const ParsedPacket& parsed) {
      return answer_too_big(view, parsed, mtu_bytes);
    });
  };
  const auto v4 = Packet().ip("192.0.2.2", "192.0.2.100").tcp(1, 2).payload("x");
  EXPECT_FALSE(too_big(v4, 1450).answered) << "it may be fragmented";
  const auto whole = Packet(v4).dont_fragment();
  const auto needed = Packet().ip("192.0.2.100", "192.0.2.2").dont_fragment().icmp(3, 4, 1450).quoting(whole);
  EXPECT_EQ(too_big(whole, 1450).frame, turned_around(needed.build()));
  const auto v6 = Packet().ip("2001:db8::2", "2001:db8::100").tcp(1, 2).payload("x");
  for (const auto& [mtu_bytes, said] : {std::pair{1460, 1460}, std::pair{1000, 1280}}) {
    const auto answer = Packet().ip("2001:db8::100", "2001:db8::2").icmp(2, 0, static_cast<uint32_t>(said));
    EXPECT_EQ(too_big(v6, static_cast<uint16_t>(mtu_bytes)).frame,
              turned_around(Packet(answer).quoting(v6).build()));
  }
}

TEST(IcmpAnswer, DoesNotQuoteThePadding) {
  const auto in = Packet().ip("192.0.2.2", "192.0.2.100").udp(1, 2).ttl(1);
  EXPECT_EQ(answer(Packet(in).padding(18)).frame, answer(in).frame);
}

TEST(IcmpAnswer, NobodyWhoMustNotBeIsAnswered) {
  const Packet udp = Packet().ip("192.0.2.2", "192.0.2.100").udp(1, 2).ttl(1);
  const auto quoted = Packet().ip("192.0.2.100", "192.0.2.2").udp(2, 1);
  const Packet cases[] = {
      Packet().ip("192.0.2.2", "192.0.2.100").icmp(3).quoting(quoted),
      Packet()
          .ip("2001:db8::2", "2001:db8::100")
          .icmp(1)
          .quoting(Packet().ip("2001:db8::100", "2001:db8::2").udp(2, 1)),
      Packet(udp).payload("12345678").fragment(7, 64, false),
      Packet().ip("0.0.0.0", "192.0.2.100").udp(1, 2),
      Packet().ip("127.0.0.1", "192.0.2.100").udp(1, 2),
      Packet().ip("224.0.0.1", "192.0.2.100").udp(1, 2),
      Packet().ip("255.255.255.255", "192.0.2.100").udp(1, 2),
      Packet().ip("192.0.2.2", "224.0.0.1").udp(1, 2),
      Packet().ip("::", "2001:db8::100").udp(1, 2),
      Packet().ip("ff02::1", "2001:db8::100").udp(1, 2),
  };
  for (const Packet& packet : cases) {
    const auto [answered, frame] = answer(packet);
    EXPECT_FALSE(answered);
    EXPECT_EQ(frame, packet.build());
  }
  EXPECT_TRUE(answer(udp).answered);
  EXPECT_TRUE(answer(Packet(udp).payload("12345678").fragment(7, 0, true)).answered) << "a first fragment";
  EXPECT_FALSE(answer(udp, 27).answered) << "no room in front";
  EXPECT_TRUE(answer(udp, 28).answered);
}

}  // namespace
}  // namespace headgate::l4
