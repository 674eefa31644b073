// SPDX-License-Identifier: Apache-2.0
// Pcap files (draft-ietf-opsawg-pcap) of Ethernet frames, written and read whole, for tests of whole
// processes.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/support/packet_builder.hpp"

namespace headgate::test {

inline void write_pcap(const std::filesystem::path& path, const std::vector<Bytes>& frames) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](uint32_t value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
  for (const uint32_t value : {0xa1b2c3d4u, 0x00040002u, 0u, 0u, 65'535u, 1u}) put(value);
  for (const Bytes& frame : frames) {
    const auto length = static_cast<uint32_t>(frame.size());
    for (const uint32_t value : {0u, 0u, length, length}) put(value);
    file.write(reinterpret_cast<const char*>(frame.data()), length);
  }
}

// Of this machine's byte order, as written above and by DPDK.
inline std::vector<Bytes> read_pcap(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> all((std::istreambuf_iterator<char>(file)), {});
  std::vector<Bytes> frames;
  std::size_t at = 24;
  while (at + 16 <= all.size()) {
    uint32_t length = 0;
    std::memcpy(&length, all.data() + at + 8, sizeof length);
    at += 16;
    if (at + length > all.size()) break;
    const auto* first = reinterpret_cast<const std::byte*>(all.data() + at);
    frames.emplace_back(first, first + length);
    at += length;
  }
  return frames;
}

}  // namespace headgate::test
