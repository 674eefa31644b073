// SPDX-License-Identifier: Apache-2.0
// Transport checksums as they come from a port: finished where a kernel sibling left them for a NIC to finish
// (the field then holds the sum of the pseudo-header alone, RFC 1071 folded and not inverted), checked where
// somebody has to. Pure over the frame's bytes. Thread: the worker's.
#pragma once

#include "dataplane/l4/packet.hpp"

namespace headgate::l4 {

// Of a TCP or UDP packet that is no fragment and has no fault. A whole checksum that equals the
// pseudo-header's sum by chance is worked out anew, to the same value.
void finish_partial_checksum(const PacketView& packet, const ParsedPacket& parsed);

// Of a TCP packet, likewise: finishes a partial one, else says whether the whole one is right.
[[nodiscard]] bool finish_or_check_checksum(const PacketView& packet, const ParsedPacket& parsed);

}  // namespace headgate::l4
