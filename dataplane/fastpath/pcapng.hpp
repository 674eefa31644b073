// SPDX-License-Identifier: Apache-2.0
// PcapngWriter: a pcapng file (draft-ietf-opsawg-pcapng) of Ethernet frames in memory, in this machine's byte
// order, which the file itself says. Its readers (tcpdump, Wireshark) take what stands here and pass over
// what they don't know. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace headgate::fastpath {

enum class Direction : uint8_t { kInbound = 1, kOutbound = 2 };  // as epb_flags has them

struct PcapngPacket {
  uint32_t interface = 0;  // in the order of add_interface()
  Direction direction = Direction::kInbound;
  int64_t unix_ns = 0;
  std::span<const std::byte> beginning;
  uint32_t length_bytes = 0;  // of the whole frame
  std::string_view comment = {};
};

class PcapngWriter {
 public:
  // Begins the file: its one section, by which program and what it says of itself.
  PcapngWriter(std::string_view program, std::string_view comment);
  // All of them before the first packet. Readers of libpcap want one snap length of all.
  void add_interface(std::string_view name, uint32_t snap_bytes);
  void add_packet(const PcapngPacket& packet);

  static std::size_t packet_bytes(const PcapngPacket& packet);  // that it takes of the file

  std::string take() && { return std::move(file_); }

 private:
  class Block;
  std::string file_;
};

}  // namespace headgate::fastpath
