// SPDX-License-Identifier: Apache-2.0
// What is changed in a packet: one address and port for another, with every checksum that covers them brought
// along by increments (RFC 1624), so a packet that was damaged before stays recognisably damaged. Pure over
// the frame's bytes; the packet has been parsed without a fault. Thread: the worker's.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/packet.hpp"

namespace headgate::l4 {

// One side of a translation, with what it does to checksums: worked out when the table is built, where
// neither end is a client's.
struct Rewrite {
  std::array<uint8_t, 16> address{};  // the new one; IPv4 in the first four bytes
  Be16 port;                          // the new one
  uint16_t transport_delta = 0;       // of the TCP or UDP checksum: address and port
  uint16_t address_delta = 0;         // of the IPv4 header checksum: address without port
  bool is_v6 = false;

  Rewrite() = default;
  Rewrite(const Endpoint& from, const Endpoint& to);  // of one family
  struct SideV4 {
    Be32 address;
    Be16 port;
  };
  struct SideV6 {
    const Ipv6Bytes& address;
    Be16 port;
  };
  Rewrite(const SideV4& from, const SideV4& to);
  Rewrite(const SideV6& from, const SideV6& to);
};

// The checksum of a TCP or UDP header that lies in [frame, frame + parsed.end) as far as that; null where it
// does not, or where a datagram goes without one (RFC 768).
Be16* transport_checksum(std::byte* frame, const ParsedPacket& parsed);
// `delta`: folded.
void update_transport_checksum(std::byte* frame, const ParsedPacket& parsed, uint16_t delta);

void rewrite_destination(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite);
void rewrite_source(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite);

// Later fragments carry addresses only.
void rewrite_destination_address(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite);
void rewrite_source_address(std::byte* frame, const ParsedPacket& parsed, const Rewrite& rewrite);

}  // namespace headgate::l4
