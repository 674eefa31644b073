// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/icmp_answer.hpp"

#include <algorithm>

#include "dataplane/core/checksum.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::l4 {
namespace {

constexpr uint8_t kHopsOfAnswer = 64;
constexpr unsigned kAnswerBytesMaxV4 = 576;   // RFC 1812 section 4.3.2.3
constexpr unsigned kAnswerBytesMaxV6 = 1280;  // RFC 4443 section 2.4(c)

constexpr uint16_t kMtuBytesMinV6 = 1280;  // RFC 8200 section 5

struct IcmpError {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t rest = 0;
};

// One host, which may be written to.
bool is_unicast(Be32 address) {
  const uint32_t top = address.host() >> 24;
  return top != 0 && top != 127 && top < 224;
}
bool is_unicast(const Ipv6Bytes& address) {
  return address[0] != 0xff &&
         std::any_of(address.begin(), address.end() - 1, [](uint8_t b) { return b != 0; });
}

void put_ip_header(Ipv4Header& ip, const Ipv4Header& quoted, unsigned icmp_bytes) {
  ip = {.version_ihl = Ipv4Header::kWithoutOptions,
        .tos = 0,
        .total_length_bytes = Be16(static_cast<uint16_t>(sizeof ip + icmp_bytes)),
        .id = Be16(0),
        .flags_fragment = Be16(Ipv4Header::kDontFragment),
        .ttl = kHopsOfAnswer,
        .protocol = kProtocolIcmp,
        .checksum = Be16(0),
        .src = quoted.dst,
        .dst = quoted.src};
  ip.checksum = finish_checksum(sum_bytes({reinterpret_cast<const std::byte*>(&ip), sizeof ip}));
}
void put_ip_header(Ipv6Header& ip, const Ipv6Header& quoted, unsigned icmp_bytes) {
  ip = {.version_class_flow = Be32(6u << 28),
        .payload_length_bytes = Be16(static_cast<uint16_t>(icmp_bytes)),
        .next_header = kProtocolIcmpv6,
        .hop_limit = kHopsOfAnswer,
        .src = quoted.dst,
        .dst = quoted.src};
}

ChecksumSum beside_icmp(const Ipv4Header&, unsigned) { return 0; }
ChecksumSum beside_icmp(const Ipv6Header& ip, unsigned icmp_bytes) {
  return pseudo_header_sum(ip, kProtocolIcmpv6, icmp_bytes);
}

// Ethernet, IP and ICMP in front of the packet's own IP header, which begins the quote.
template <typename IpHeader>
bool answer(PacketView& packet, const ParsedPacket& parsed, const IcmpError& error,
            unsigned answer_bytes_max) {
  constexpr uint16_t kAddedBytes = sizeof(IpHeader) + sizeof(IcmpHeader);
  const auto quoted = header_at<IpHeader>(packet.data + parsed.ip_offset);
  if (!is_unicast(quoted.src) || !is_unicast(quoted.dst) || packet.headroom_bytes < kAddedBytes) return false;
  const auto ethernet = header_at<EthernetHeader>(packet.data);
  const unsigned quote_bytes =
      std::min<unsigned>(parsed.end - parsed.ip_offset, answer_bytes_max - kAddedBytes);
  const unsigned icmp_bytes = sizeof(IcmpHeader) + quote_bytes;
  packet.grow_front(kAddedBytes);
  packet.length_bytes = static_cast<uint16_t>(sizeof(EthernetHeader) + sizeof(IpHeader) + icmp_bytes);
  header_at<EthernetHeader>(packet.data) = {.dst = ethernet.src, .src = ethernet.dst, .type = ethernet.type};
  std::byte* at = packet.data + sizeof(EthernetHeader);
  auto& ip = header_at<IpHeader>(at);
  put_ip_header(ip, quoted, icmp_bytes);
  auto& icmp = header_at<IcmpHeader>(at + sizeof ip);
  icmp = {.type = error.type, .code = error.code, .checksum = Be16(0), .rest = Be32(error.rest)};
  icmp.checksum = finish_checksum(sum_bytes({at + sizeof ip, icmp_bytes}) + beside_icmp(ip, icmp_bytes));
  return true;
}

}  // namespace

bool answer_time_exceeded(PacketView& packet, const ParsedPacket& parsed) {
  if (parsed.kind == PacketKind::kIcmpError || parsed.kind == PacketKind::kLaterFragment) return false;
  if (parsed.is_v6) return answer<Ipv6Header>(packet, parsed, {.type = 3}, kAnswerBytesMaxV6);
  return answer<Ipv4Header>(packet, parsed, {.type = 11}, kAnswerBytesMaxV4);
}

bool answer_too_big(PacketView& packet, const ParsedPacket& parsed, uint16_t mtu_bytes) {
  if (parsed.kind == PacketKind::kIcmpError || parsed.kind == PacketKind::kLaterFragment) return false;
  if (parsed.is_v6)
    return answer<Ipv6Header>(packet, parsed, {.type = 2, .rest = std::max(mtu_bytes, kMtuBytesMinV6)},
                              kAnswerBytesMaxV6);
  if ((header_at<Ipv4Header>(packet.data + parsed.ip_offset).flags_fragment.host() &
       Ipv4Header::kDontFragment) == 0)
    return false;
  return answer<Ipv4Header>(packet, parsed, {.type = 3, .code = 4, .rest = mtu_bytes}, kAnswerBytesMaxV4);
}

}  // namespace headgate::l4
