// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/pcapng.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace headgate::fastpath {
namespace {

// Section numbers are of draft-ietf-opsawg-pcapng.
constexpr uint32_t kSectionHeader = 0x0a0d0d0a;  // 4.1
constexpr uint32_t kInterfaceDescription = 1;    // 4.2
constexpr uint32_t kEnhancedPacket = 6;          // 4.3
constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr uint16_t kVersionMajor = 1;
constexpr uint16_t kLinkTypeEthernet = 1;

constexpr uint16_t kEndOfOptions = 0;  // 3.5
constexpr uint16_t kComment = 1;
constexpr uint16_t kSectionProgram = 4;
constexpr uint16_t kInterfaceName = 2;
constexpr uint16_t kTimeResolution = 9;
constexpr uint16_t kPacketFlags = 2;
constexpr uint8_t kNanoseconds = 9;  // a power of ten

constexpr std::size_t kOptionBytesMax = 0xffff;

constexpr std::size_t padded(std::size_t bytes) { return (bytes + 3) / 4 * 4; }
constexpr std::size_t option_bytes(std::string_view value) {
  return value.empty() ? 0 : 4 + padded(std::min(value.size(), kOptionBytesMax));
}

}  // namespace

// One block, whose length stands at both of its ends.
class PcapngWriter::Block {
 public:
  Block(std::string& file, uint32_t type) : file_(file), begin_(file.size()) {
    put(type);
    put(uint32_t{0});
  }
  ~Block() {
    const auto length_bytes = static_cast<uint32_t>(file_.size() - begin_ + sizeof(uint32_t));
    std::memcpy(file_.data() + begin_ + sizeof(uint32_t), &length_bytes, sizeof length_bytes);
    put(length_bytes);
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  template <typename T>
  void put(T value) {
    static_assert(std::is_integral_v<T>);
    file_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void put_padded(std::string_view bytes) {
    file_.append(bytes);
    file_.append(padded(bytes.size()) - bytes.size(), '\0');
  }
  // One that says nothing is left out.
  void option(uint16_t code, std::string_view value) {
    if (value.empty()) return;
    value = value.substr(0, kOptionBytesMax);
    put(code);
    put(static_cast<uint16_t>(value.size()));
    put_padded(value);
  }
  void end_options() {
    put(kEndOfOptions);
    put(uint16_t{0});
  }

 private:
  std::string& file_;
  std::size_t begin_;
};

PcapngWriter::PcapngWriter(std::string_view program, std::string_view comment) {
  Block block(file_, kSectionHeader);
  block.put(kByteOrderMagic);
  block.put(kVersionMajor);
  block.put(uint16_t{0});
  block.put(int64_t{-1});  // the section's length: up to the end of the file
  block.option(kComment, comment);
  block.option(kSectionProgram, program);
  block.end_options();
}

void PcapngWriter::add_interface(std::string_view name, uint32_t snap_bytes) {
  Block block(file_, kInterfaceDescription);
  block.put(kLinkTypeEthernet);
  block.put(uint16_t{0});
  block.put(snap_bytes);
  block.option(kInterfaceName, name);
  block.option(kTimeResolution, {reinterpret_cast<const char*>(&kNanoseconds), sizeof kNanoseconds});
  block.end_options();
}

void PcapngWriter::add_packet(const PcapngPacket& packet) {
  Block block(file_, kEnhancedPacket);
  const auto time = static_cast<uint64_t>(packet.unix_ns);
  block.put(packet.interface);
  block.put(static_cast<uint32_t>(time >> 32));
  block.put(static_cast<uint32_t>(time));
  block.put(static_cast<uint32_t>(packet.beginning.size()));
  block.put(packet.length_bytes);
  block.put_padded({reinterpret_cast<const char*>(packet.beginning.data()), packet.beginning.size()});
  block.option(kComment, packet.comment);
  const auto flags = static_cast<uint32_t>(packet.direction);
  block.option(kPacketFlags, {reinterpret_cast<const char*>(&flags), sizeof flags});
  block.end_options();
}

std::size_t PcapngWriter::packet_bytes(const PcapngPacket& packet) {
  constexpr std::size_t kFixedBytes = 8 * sizeof(uint32_t);  // seven words in front, the length behind
  constexpr std::size_t kFlagsBytes = 2 * sizeof(uint32_t);
  constexpr std::size_t kEndBytes = sizeof(uint32_t);
  return kFixedBytes + padded(packet.beginning.size()) + option_bytes(packet.comment) + kFlagsBytes +
         kEndBytes;
}

}  // namespace headgate::fastpath
