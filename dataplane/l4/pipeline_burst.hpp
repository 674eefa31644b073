// SPDX-License-Identifier: Apache-2.0
// What the sources of Pipeline share: a burst on its way through it, and how its packets are looked into. For
// them alone. Thread: one worker's.
#pragma once

#include <span>

#include "dataplane/l4/family.hpp"
#include "dataplane/l4/pipeline.hpp"

namespace headgate::l4 {

struct Pipeline::Burst {
  const L4Table& table;
  const RouteTable& routes;
  std::span<PacketView> packets;
  std::span<Verdict> verdicts;
  TimePoint now;
  BurstArray<ParsedPacket> parsed;
};

template <>
FlowChooser<ClientKeyV4>& Pipeline::chooser<FamilyV4>();
template <>
FlowChooser<ClientKeyV6>& Pipeline::chooser<FamilyV6>();
template <>
Translator<FamilyV4>& Pipeline::translator<FamilyV4>();
template <>
Translator<FamilyV6>& Pipeline::translator<FamilyV6>();

template <typename Family>
const typename Family::Header& ip_of(const PacketView& packet, const ParsedPacket& parsed) {
  return header_at<typename Family::Header>(packet.data + parsed.ip_offset);
}

inline const PortsHeader& ports_of(const PacketView& packet, const ParsedPacket& parsed) {
  return header_at<PortsHeader>(packet.data + parsed.l4_offset);
}

inline Verdict from_target(const Target& target) {
  return {.exit = Exit::kUplink, .role = FlowRole::kFromTarget, .target_id = target.id};
}

}  // namespace headgate::l4
