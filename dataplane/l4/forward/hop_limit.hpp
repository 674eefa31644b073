// SPDX-License-Identifier: Apache-2.0
// The TTL or hop limit of a packet that is forwarded to another machine, as a router counts it (RFC 1812
// section 5.3.1, RFC 8200 section 3). Pure over the frame's bytes. Thread: the worker's.
#pragma once

#include "dataplane/core/checksum.hpp"
#include "dataplane/l4/packet.hpp"

namespace headgate::l4 {

inline bool is_last_hop(const std::byte* frame, const ParsedPacket& parsed) {
  const std::byte* ip = frame + parsed.ip_offset;
  return (parsed.is_v6 ? header_at<Ipv6Header>(ip).hop_limit : header_at<Ipv4Header>(ip).ttl) <= 1;
}

// It was not the last.
inline void count_hop(std::byte* frame, const ParsedPacket& parsed) {
  if (parsed.is_v6) {
    --header_at<Ipv6Header>(frame + parsed.ip_offset).hop_limit;
    return;
  }
  auto& ip = header_at<Ipv4Header>(frame + parsed.ip_offset);
  const auto word = [&ip] { return Be16(static_cast<uint16_t>(ip.ttl << 8 | ip.protocol)); };
  const Be16 before = word();
  --ip.ttl;
  update_checksum(ip.checksum, delta_of(before, word()));
}

}  // namespace headgate::l4
