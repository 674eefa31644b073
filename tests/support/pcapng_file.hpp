// SPDX-License-Identifier: Apache-2.0
// Reads a pcapng file in memory twice: as libpcap does, which is what tcpdump sees of it, and block by block
// for the interface, direction and comment of each packet, which libpcap passes over. Of this machine's byte
// order.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <pcap/pcap.h>

#include "tests/support/packet_builder.hpp"

namespace headgate::test {

struct ReadPacket {
  int64_t unix_ns = 0;
  uint32_t length_bytes = 0;  // of the whole frame
  Bytes beginning;
  std::string interface = {};
  uint32_t direction = 0;  // 1: inbound, 2: outbound
  std::string comment = {};
};

struct ReadCapture {
  std::string fault;  // libpcap's; empty: it has read all
  std::string comment;
  std::vector<ReadPacket> packets;
};

// What begins at `at` of the file, which must be there.
template <typename T>
T value_at(const std::string& file, std::size_t at) {
  T value{};
  std::memcpy(&value, file.data() + at, sizeof value);
  return value;
}

inline std::string option_of(const std::string& file, std::size_t at, std::size_t end, uint16_t code) {
  while (at + 4 <= end) {
    const auto length = value_at<uint16_t>(file, at + 2);
    if (value_at<uint16_t>(file, at) == code) return file.substr(at + 4, length);
    at += 4 + (length + 3u) / 4 * 4;
  }
  return {};
}

inline ReadCapture read_pcapng(std::string file) {
  ReadCapture capture;
  char reason[PCAP_ERRBUF_SIZE] = {};
  std::FILE* stream = ::fmemopen(file.data(), file.size(), "r");
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> reader(
      ::pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, reason), ::pcap_close);
  if (!reader) {
    std::fclose(stream);
    capture.fault = reason;
    return capture;
  }
  pcap_pkthdr* head = nullptr;
  const u_char* bytes = nullptr;
  int more = 0;
  while ((more = ::pcap_next_ex(reader.get(), &head, &bytes)) == 1) {
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    ReadPacket packet{.unix_ns = head->ts.tv_sec * 1'000'000'000 + head->ts.tv_usec,
                      .length_bytes = head->len,
                      .beginning = Bytes(first, first + head->caplen)};
    capture.packets.push_back(std::move(packet));
  }
  if (more != PCAP_ERROR_BREAK) capture.fault = ::pcap_geterr(reader.get());

  std::vector<std::string> interfaces;
  auto packet = capture.packets.begin();
  for (std::size_t at = 0; at + 12 <= file.size(); at += value_at<uint32_t>(file, at + 4)) {
    const auto type = value_at<uint32_t>(file, at);
    const std::size_t end = at + value_at<uint32_t>(file, at + 4) - 4;
    if (type == 0x0a0d0d0a) capture.comment = option_of(file, at + 24, end, 1);
    if (type == 1) interfaces.push_back(option_of(file, at + 16, end, 2));
    if (type != 6 || packet == capture.packets.end()) continue;
    const std::size_t options = at + 28 + (value_at<uint32_t>(file, at + 20) + 3) / 4 * 4;
    packet->interface = interfaces.at(value_at<uint32_t>(file, at + 8));
    packet->direction = value_at<uint32_t>(option_of(file, options, end, 2), 0);
    packet->comment = option_of(file, options, end, 1);
    ++packet;
  }
  return capture;
}

}  // namespace headgate::test
