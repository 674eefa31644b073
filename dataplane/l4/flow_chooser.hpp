// SPDX-License-Identifier: Apache-2.0
// FlowChooser<Key>: which target a packet's flow goes to, and what must be remembered for it to stay there.
// Stateless first: a SYN is answered by Maglev alone and leaves nothing behind, so a flood of them fills no
// table; a flow is remembered once the client has shown that it saw the answer, or where Maglev alone would
// not find its target again (a masked target was stepped around, or the targets have just changed).
// Thread: one worker's; the mask outlives it.
#pragma once

#include <cstdint>

#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/flow_table.hpp"
#include "dataplane/l4/l4_table.hpp"
#include "dataplane/l4/target_mask.hpp"

namespace headgate::l4 {

struct FlowCounts {
  uint64_t remembered = 0;
  uint64_t evicted = 0;  // live flows that had to give way
};

// A connection's first packet.
constexpr bool opens_flow(uint8_t tcp_flags) {
  return (tcp_flags & (kTcpSyn | kTcpAck | kTcpRst)) == kTcpSyn;
}

template <FlowKey Key>
class FlowChooser {
 public:
  FlowChooser(std::size_t flows, uint64_t secret, const TargetMask& mask)
      : flows_(flows, secret), mask_(&mask) {}

  [[gnu::always_inline]] void prefetch(uint64_t hash, uint8_t tcp_flags) const {
    flows_.prefetch(hash, opens_flow(tcp_flags));
  }
  // Null where the listener has no target for it.
  const Target* choose(const L4Table& table, uint32_t listener, const Key& key, uint64_t hash,
                       uint8_t tcp_flags, Tick now);
  // The same for a packet that is about the flow but not of it (an ICMP error): nothing is remembered.
  const Target* look_up(const L4Table& table, uint32_t listener, const Key& key, uint64_t hash, Tick now);

  FlowTable<Key>& flows() { return flows_; }
  const FlowTable<Key>& flows() const { return flows_; }
  const FlowCounts& counts() const { return counts_; }

 private:
  const Target* known(const L4Table& table, uint32_t listener, FlowEntry& entry, uint8_t tcp_flags, Tick now);
  const Target* chosen_before(const L4Table& table, uint32_t listener, uint64_t hash, Tick now) const;
  const Target* usable(const L4Table& table, uint32_t listener, const Target* first, uint64_t hash) const;

  FlowTable<Key> flows_;
  const TargetMask* mask_;
  FlowCounts counts_;
};

extern template class FlowChooser<FlowKeyV4>;
extern template class FlowChooser<FlowKeyV6>;

}  // namespace headgate::l4
