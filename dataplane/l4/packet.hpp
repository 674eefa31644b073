// SPDX-License-Identifier: Apache-2.0
// PacketView: the bytes of one frame, borrowed for the length of a burst and rewritten in place.
// ParsedPacket: where its headers lie and what they mean, by parse(): pure, total over hostile bytes; what it
// reports lies within the frame. Handled as the RFCs ask: IPv4 options (791), IPv6 extension headers in any
// order (8200 section 4), fragments, padding behind the datagram. Thread: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/core/assert.hpp"
#include "dataplane/l4/verdict.hpp"

namespace headgate::l4 {

// How far a port's checksums are to be believed. A kernel sibling (veth, virtio) may leave the TCP and UDP
// checksum as the sum of the pseudo-header alone, for a NIC that never comes; a NIC may have checked already.
enum class ChecksumTrust : uint8_t { kMayBePartial, kComplete, kVerified };

struct PacketView {
  std::byte* data = nullptr;
  uint16_t length_bytes = 0;
  uint16_t headroom_bytes = 0;  // in front of data, to grow into
  ChecksumTrust trust = ChecksumTrust::kMayBePartial;

  // The frame begins that much earlier; what is there then is the caller's to write.
  void grow_front(uint16_t bytes) {
    HG_ASSERT(bytes <= headroom_bytes);
    data -= bytes;
    length_bytes = static_cast<uint16_t>(length_bytes + bytes);
    headroom_bytes = static_cast<uint16_t>(headroom_bytes - bytes);
  }
};

enum class PacketKind : uint8_t {
  kNotIp,  // ARP has the flag is_neighbour
  kTcp,
  kUdp,
  kIcmp,           // echo and the like; neighbour discovery has the flag is_neighbour
  kIcmpError,      // quotes a packet at l4_offset + 8
  kOtherIp,        // another protocol, or not for us to look into (a routing header still to be followed)
  kLaterFragment,  // no transport header
};

// What a packet says of its flow: TCP's flags, or that there are none to go by.
using FlowSignal = uint16_t;
inline constexpr FlowSignal kDatagram = 0x100;
constexpr bool is_datagram(FlowSignal signal) { return (signal & kDatagram) != 0; }

struct ParsedPacket {
  PacketKind kind = PacketKind::kNotIp;
  bool is_v6 = false;
  bool is_neighbour = false;  // ARP or neighbour discovery
  bool is_fragment = false;   // first or later
  uint8_t protocol = 0;       // of the transport header
  uint8_t tcp_flags = 0;
  uint16_t ip_offset = 0;
  uint16_t l4_offset = 0;
  uint16_t end = 0;                         // where the IP datagram ends; the frame may go on with padding
  uint32_t fragment_id = 0;                 // of a fragment
  DropReason ip_fault = DropReason::kNone;  // wrong for whomever it is
  DropReason transport_fault = DropReason::kNone;  // a fault where we balance; else the kernel's business

  FlowSignal signal() const { return kind == PacketKind::kUdp ? kDatagram : tcp_flags; }
  uint16_t l4_bytes() const { return static_cast<uint16_t>(end - l4_offset); }
};

ParsedPacket parse(const PacketView& packet);

}  // namespace headgate::l4
