// SPDX-License-Identifier: Apache-2.0
// Transport checksums as they come from a port: finished where a kernel sibling left them for a NIC to finish
// (the field then holds the sum of the pseudo-header alone, RFC 1071 folded and not inverted), checked where
// somebody has to. Pure over the frame's bytes. Thread: the worker's.
#pragma once

#include "dataplane/core/checksum.hpp"
#include "dataplane/l4/packet.hpp"

namespace headgate::l4 {

// Of a TCP or UDP packet that is no fragment and has no fault. A whole checksum that equals the
// pseudo-header's sum by chance is worked out anew, to the same value.
void finish_partial_checksum(const PacketView& packet, const ParsedPacket& parsed);

// The sums of the transport's bytes and of the pseudo-header; false where the checksum was neither whole and
// right nor partial.
[[nodiscard]] bool finish_if_partial(const PacketView& packet, const ParsedPacket& parsed, ChecksumSum whole,
                                     ChecksumSum pseudo);

// How many bytes the checksum is over: a datagram's own, which may be fewer than the IP packet has.
inline uint16_t summed_bytes(const PacketView& packet, const ParsedPacket& parsed) {
  if (parsed.kind != PacketKind::kUdp) return parsed.l4_bytes();
  return header_at<UdpHeader>(packet.data + parsed.l4_offset).length_bytes.host();
}

// Whether a datagram goes without a checksum, which IPv4 allows (RFC 768) and IPv6 does not.
bool has_no_checksum(const PacketView& packet, const ParsedPacket& parsed);

// Likewise: finishes a partial one, else says whether the whole one is right. `ip` is the packet's header.
template <typename IpHeader>
[[nodiscard]] inline bool finish_or_check_checksum(const IpHeader& ip, const PacketView& packet,
                                                   const ParsedPacket& parsed) {
  if (packet.trust == ChecksumTrust::kVerified) return true;
  const uint16_t l4_bytes = summed_bytes(packet, parsed);
  const ChecksumSum pseudo = pseudo_header_sum(ip, parsed.protocol, l4_bytes);
  const ChecksumSum whole = sum_bytes({packet.data + parsed.l4_offset, l4_bytes});
  return fold(whole + pseudo) == 0xffff || finish_if_partial(packet, parsed, whole, pseudo) ||
         has_no_checksum(packet, parsed);
}

}  // namespace headgate::l4
