// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/pcapng.hpp"

#include <bit>

#include <gtest/gtest.h>

#include "tests/support/pcapng_file.hpp"

namespace headgate::fastpath {
namespace {

using test::Bytes;
using test::Packet;

std::string text_of(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text += static_cast<char>(byte);
  return text;
}

// As draft-ietf-opsawg-pcapng draws the blocks, in the order of bytes of a machine like this.
TEST(Pcapng, BlocksAreAsTheDraftDrawsThem) {
  static_assert(std::endian::native == std::endian::little);
  PcapngWriter empty("p", "");
  const std::string section = text_of({
      0x0a, 0x0d, 0x0d, 0x0a, 40,   0,    0,    0,                 // section header, its length
      0x4d, 0x3c, 0x2b, 0x1a, 1,    0,    0,    0,                 // byte order, version 1.0
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,              // of unknown length
      4,    0,    1,    0,    'p',  0,    0,    0,    0, 0, 0, 0,  // shb_userappl, the end of options
      40,   0,    0,    0,
  });
  EXPECT_EQ(std::move(empty).take(), section);

  PcapngWriter writer("p", "");
  writer.add_interface("host", 128);
  const Bytes frame(5, std::byte{0xab});
  writer.add_packet({.interface = 0,
                     .direction = Direction::kOutbound,
                     .unix_ns = 0x0102030405060708,
                     .beginning = frame,
                     .length_bytes = 60,
                     .comment = "to b"});
  const std::string rest = text_of({
      1,  0, 0, 0, 40,   0,    0,    0,                    // interface description
      1,  0, 0, 0, 128,  0,    0,    0,                    // Ethernet, snap length
      2,  0, 4, 0, 'h',  'o',  's',  't',                  // if_name
      9,  0, 1, 0, 9,    0,    0,    0,                    // if_tsresol: nanoseconds
      0,  0, 0, 0, 40,   0,    0,    0,                    //
      6,  0, 0, 0, 60,   0,    0,    0,                    // enhanced packet
      0,  0, 0, 0, 4,    3,    2,    1,                    // interface, upper half of the time
      8,  7, 6, 5, 5,    0,    0,    0,                    // lower half, captured length
      60, 0, 0, 0, 0xab, 0xab, 0xab, 0xab, 0xab, 0, 0, 0,  // length, the frame, padding
      1,  0, 4, 0, 't',  'o',  ' ',  'b',                  // opt_comment
      2,  0, 4, 0, 2,    0,    0,    0,                    // epb_flags: outbound
      0,  0, 0, 0, 60,   0,    0,    0,
  });
  EXPECT_EQ(std::move(writer).take(), section + rest);
}

TEST(Pcapng, LibpcapReadsIt) {
  PcapngWriter writer("headgate-l4", "of a test");
  writer.add_interface("uplink", 64);
  writer.add_interface("host", 64);
  std::vector<Bytes> frames;
  std::size_t packets_bytes = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    frames.push_back(
        Packet().ipv4("192.0.2.2", "192.0.2.100").tcp(40'000, 80).payload(std::string(i, 'x')).build());
    const PcapngPacket packet{.interface = static_cast<uint32_t>(i % 2),
                              .direction = i % 2 == 0 ? Direction::kInbound : Direction::kOutbound,
                              .unix_ns = 1'800'000'000'123'456'789 + static_cast<int64_t>(i),
                              .beginning = frames.back(),
                              .length_bytes = static_cast<uint32_t>(frames.back().size()),
                              .comment = std::string_view("comments").substr(i % 5)};
    writer.add_packet(packet);
    packets_bytes += PcapngWriter::packet_bytes(packet);
  }
  PcapngWriter without("headgate-l4", "of a test");
  without.add_interface("uplink", 64);
  without.add_interface("host", 64);
  const auto file = std::move(writer).take();
  EXPECT_EQ(file.size(), std::move(without).take().size() + packets_bytes);
  const auto read = test::read_pcapng(file);
  EXPECT_EQ(read.fault, "");
  EXPECT_EQ(read.comment, "of a test");
  ASSERT_EQ(read.packets.size(), frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    EXPECT_EQ(read.packets[i].beginning, frames[i]);
    EXPECT_EQ(read.packets[i].unix_ns, 1'800'000'000'123'456'789 + static_cast<int64_t>(i));
    EXPECT_EQ(read.packets[i].interface, i % 2 == 0 ? "uplink" : "host");
    EXPECT_EQ(read.packets[i].direction, i % 2 == 0 ? 1u : 2u);
    EXPECT_EQ(read.packets[i].comment, std::string("comments").substr(i % 5));
  }
}

TEST(Pcapng, AFileWithoutAPacketIsOne) {
  PcapngWriter writer("headgate-l4", "nothing came");
  writer.add_interface("uplink", 64);
  const auto read = test::read_pcapng(std::move(writer).take());
  EXPECT_EQ(read.fault, "");
  EXPECT_TRUE(read.packets.empty());
}

}  // namespace
}  // namespace headgate::fastpath
