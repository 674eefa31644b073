// SPDX-License-Identifier: Apache-2.0
// Encapsulation: the headers that a tunnel puts in front of a packet of one target, worked out when the table
// is built, and what is left to do for each packet: lengths, checksums, the inner packet's DSCP and ECN (RFC
// 6040 section 4.1, normal mode), a source port that tells flows apart. IP in IP: RFC 2003, 2473, 4213;
// VXLAN: RFC 7348; GUE: draft-ietf-intarea-gue, version 0 without options. Pure over the frame's bytes;
// thread: built by control, applied by workers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/contract/objects.hpp"
#include "dataplane/core/checksum.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/packet.hpp"

namespace headgate::l4 {

// Where a tunnel begins and ends: of one family, which need not be that of what it carries.
struct TunnelEnds {
  IpAddress source;
  IpAddress destination;
};

constexpr bool is_tunnel(contract::Forwarding forwarding) {
  return forwarding == contract::Forwarding::kIpip || forwarding == contract::Forwarding::kGue ||
         forwarding == contract::Forwarding::kVxlan;
}

struct VxlanNetwork {
  uint32_t vni = 0;
  MacAddress mac{};     // of the backends' devices
  MacAddress source{};  // of the inner frame
};

class Encapsulation {
 public:
  static constexpr std::size_t kHeadersBytesMax =
      sizeof(Ipv6Header) + sizeof(UdpHeader) + sizeof(VxlanHeader) + sizeof(EthernetHeader);

  // `forwarding`: a tunnel's; kVxlan alone looks at `vxlan`.
  Encapsulation(contract::Forwarding forwarding, const TunnelEnds& ends, bool carries_v6,
                const VxlanNetwork& vxlan);

  // By how much a packet becomes longer.
  uint16_t overhead_bytes() const { return headers_bytes_; }
  // The frame is left with the Ethernet header that it had, but for its type; without padding. `flow`: a hash
  // of it. The packet has that much headroom.
  void apply(PacketView& packet, const ParsedPacket& parsed, uint64_t flow) const;

 private:
  template <typename Header>
  void append(const Header& header);
  void append_outer_ip(const TunnelEnds& ends, uint8_t protocol);
  void finish_outer_v4(std::byte* outer, uint16_t total_bytes, uint8_t traffic_class) const;
  void finish_outer_v6(std::byte* outer, uint16_t payload_bytes, uint8_t traffic_class) const;
  void finish_udp(std::byte* outer, uint16_t udp_bytes, uint64_t flow) const;

  std::array<std::byte, kHeadersBytesMax> headers_{};
  uint8_t headers_bytes_ = 0;
  bool is_v6_ = false;
  bool has_udp_ = false;
};

}  // namespace headgate::l4
