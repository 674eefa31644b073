// SPDX-License-Identifier: Apache-2.0
// ICMP and ICMPv6 errors of our own: the answer to a packet that can't be forwarded, made of that packet in
// place, in its headroom. Who must not be answered is not: RFC 1812 section 4.3.2.7, RFC 4443 section 2.4(e).
// Pure over the frame's bytes. Thread: the worker's.
#pragma once

#include "dataplane/l4/packet.hpp"

namespace headgate::l4 {

// Time exceeded in transit, from the address that the packet was for. False, and nothing changed, where
// nobody is answered. The frame goes back to the neighbour that sent it.
[[nodiscard]] bool answer_time_exceeded(PacketView& packet, const ParsedPacket& parsed);
// Packet too big, or over IPv4 fragmentation needed (RFC 1191 section 4): what may be sent at most. Over IPv4
// the same is false of a packet that may be fragmented.
[[nodiscard]] bool answer_too_big(PacketView& packet, const ParsedPacket& parsed, uint16_t mtu_bytes);

}  // namespace headgate::l4
