// SPDX-License-Identifier: Apache-2.0
// ICMP and ICMPv6 errors that quote a packet of a balanced flow ("packet too big" among them): they follow
// the flow, and both the header and the quoted packet are translated (RFC 5508 section 4.2 says how), else
// the endpoint would not know its own connection in them. Pure. Thread: the worker's.
#pragma once

#include <optional>

#include "dataplane/l4/packet.hpp"
#include "dataplane/l4/rewrite.hpp"

namespace headgate::l4 {

// The quoted TCP or UDP packet, of which at least the ports are there. Where the quote is of anything else,
// or the ports are behind extension headers, there is none, and the error is the kernel's business.
std::optional<ParsedPacket> parse_quoted(const PacketView& packet, const ParsedPacket& error);

// Whether the error's own checksum is, of one that is no fragment.
[[nodiscard]] bool has_right_checksum(const PacketView& packet, const ParsedPacket& error);

// From a client's side to a target: the error's destination and the quoted packet's source become the
// target's.
void rewrite_error_to_target(std::byte* frame, const ParsedPacket& error, const ParsedPacket& quoted,
                             const Rewrite& to_target);
// From a target's side to a client: the error's source (where it is the target's own address) and the quoted
// packet's destination become the VIP.
void rewrite_error_from_target(std::byte* frame, const ParsedPacket& error, const ParsedPacket& quoted,
                               const Rewrite& from_target, bool source_too);
// The error's source alone: who sent it may be anybody on the way.
void rewrite_error_source(std::byte* frame, const ParsedPacket& error, const Rewrite& rewrite);

}  // namespace headgate::l4
