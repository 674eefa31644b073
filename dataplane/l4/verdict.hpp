// SPDX-License-Identifier: Apache-2.0
// Verdict: what happens to one packet. Every stage ends in exactly one, and the caller acts on it at one
// line, so no packet is lost between two branches or counted twice. Values; any thread.
//
// Law: packets received = left by the uplink + left by the host port + Σ drops by reason.
// A new reason to drop is a new DropReason and its name below; its counter appears by itself. A new way of
// forwarding (tunnel, NAT) rewrites the packet and leaves by one of the exits that are here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::l4 {

enum class Exit : uint8_t { kUplink, kHost, kDrop };
inline constexpr std::size_t kExitCount = 3;

enum class DropReason : uint8_t {
  kNone,                // not dropped
  kFrameTooShort,       // no whole Ethernet header
  kFrameTooLong,        // what the port cannot carry
  kIpHeaderInvalid,     // version, header length, a total length that the frame does not hold
  kIpChecksumWrong,     // IPv4 header checksum
  kExtensionsInvalid,   // IPv6 extension headers: truncated, or more than the bound
  kTransportTruncated,  // TCP header not whole, its length beyond the packet, or cut by a first fragment
  kTransportChecksumWrong,
  kSourceSpoofed,      // from the uplink with an address that only this machine may send from
  kLocalAddress,       // from the uplink to the replicas' local address: reachable through a VIP alone
  kTtlExpired,         // to be forwarded, but its hops are used up, and no answer may be sent or was due
  kTooBig,             // for the way to its target, and no answer may be sent or was due
  kNoNextHop,          // a target whose machine no route or neighbour of the kernel leads to
  kNoNatFlow,          // by fullnat: no port is free for a new flow; an error about one that is not known
  kNoTarget,           // a listener without a target that takes new flows
  kFragmentUnmatched,  // a later fragment whose first was not seen, or no longer remembered
  kHostRateNeighbour,  // past the rate limit of ARP and neighbour discovery to the kernel
  kHostRateIcmp,
  kHostRateOther,
  kUplinkQueueFull,  // the port took fewer packets than there were
  kHostQueueFull,
  kCount,
};
inline constexpr std::size_t kDropReasonCount = static_cast<std::size_t>(DropReason::kCount);

inline constexpr std::array<std::string_view, kDropReasonCount> kDropReasonNames{"none",
                                                                                 "frame_too_short",
                                                                                 "frame_too_long",
                                                                                 "ip_header_invalid",
                                                                                 "ip_checksum_wrong",
                                                                                 "extensions_invalid",
                                                                                 "transport_truncated",
                                                                                 "transport_checksum_wrong",
                                                                                 "source_spoofed",
                                                                                 "local_address",
                                                                                 "ttl_expired",
                                                                                 "too_big",
                                                                                 "no_next_hop",
                                                                                 "no_nat_flow",
                                                                                 "no_target",
                                                                                 "fragment_unmatched",
                                                                                 "host_rate_neighbour",
                                                                                 "host_rate_icmp",
                                                                                 "host_rate_other",
                                                                                 "uplink_queue_full",
                                                                                 "host_queue_full"};
static_assert(!kDropReasonNames.back().empty());

// What a packet was to a balanced flow, for its target's counters.
enum class FlowRole : uint8_t { kNone, kToTarget, kOpensFlow, kFromTarget };

struct [[nodiscard]] Verdict {
  Exit exit = Exit::kDrop;
  DropReason reason = DropReason::kNone;
  FlowRole role = FlowRole::kNone;
  uint32_t target_id = 0;  // where role is not kNone

  static constexpr Verdict uplink() { return {.exit = Exit::kUplink}; }
  static constexpr Verdict host() { return {.exit = Exit::kHost}; }
  static constexpr Verdict drop(DropReason reason) { return {.reason = reason}; }
  friend constexpr bool operator==(const Verdict&, const Verdict&) = default;
};
static_assert(sizeof(Verdict) == 8);

constexpr std::string_view name_of(DropReason reason) {
  return kDropReasonNames[static_cast<std::size_t>(reason)];
}

}  // namespace headgate::l4
