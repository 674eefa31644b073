// SPDX-License-Identifier: Apache-2.0
// Echo: one ICMP echo request, the reply to it, and the errors that quote it (RFC 792, RFC 4443 section 4).
// What arrives is untrusted, and may be meant for another process of this machine. Pure; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/core/packet_headers.hpp"

namespace headgate::node {

struct Echo {
  static constexpr std::size_t kPayloadBytes = 16;
  using Payload = std::array<std::byte, kPayloadBytes>;

  bool is_v6 = false;
  uint16_t id = 0;
  uint16_t sequence = 0;
  Payload payload{};  // random: nobody who has not seen the request can answer it
};

using EchoRequest = std::array<std::byte, sizeof(IcmpHeader) + Echo::kPayloadBytes>;

// ICMPv6's checksum is the kernel's to fill in, for it covers the addresses (RFC 3542 section 3.1).
EchoRequest echo_request(const Echo& echo);

// `message` begins with its ICMP header.
bool is_reply_to(const Echo& echo, std::span<const std::byte> message);
// `quoted`: what an ICMP error has of the message that caused it, from its ICMP header on.
bool is_request_of(const Echo& echo, std::span<const std::byte> quoted);

// What an IPv4 packet carries; empty where it is none.
std::span<const std::byte> past_ipv4_header(std::span<const std::byte> packet);

}  // namespace headgate::node
