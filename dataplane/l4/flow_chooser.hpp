// SPDX-License-Identifier: Apache-2.0
// FlowChooser<Key>: which target a packet's flow goes to, and what must be remembered for it to stay there.
// Stateless first: a SYN is answered by Maglev alone and leaves nothing behind, so a flood of them fills no
// table; a flow is remembered once the client has shown that it saw the answer, or where Maglev alone would
// not find its target again (a masked target was stepped around, or the targets have just changed). Of a flow
// of datagrams each packet may be the first: it is remembered at once, and is the first to give way.
// Thread: one worker's; the mask outlives it.
#pragma once

#include <cstdint>

#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/flow_question.hpp"
#include "dataplane/l4/flow_table.hpp"
#include "dataplane/l4/l4_table.hpp"
#include "dataplane/l4/packet.hpp"
#include "dataplane/l4/target_mask.hpp"

namespace headgate::l4 {

struct FlowCounts {
  uint64_t remembered = 0;
  uint64_t evicted = 0;  // live flows that had to give way
};

// A connection's first packet.
constexpr bool opens_flow(FlowSignal signal) { return (signal & (kTcpSyn | kTcpAck | kTcpRst)) == kTcpSyn; }

constexpr FlowState next_state(FlowState state, FlowSignal signal) {
  if (is_datagram(signal)) return FlowState::kNew;
  if ((signal & (kTcpFin | kTcpRst)) != 0) return FlowState::kClosing;
  if (opens_flow(signal)) return state == FlowState::kClosing ? FlowState::kNew : state;
  return state == FlowState::kClosing ? FlowState::kClosing : FlowState::kEstablished;
}

template <ClientKey Key>
class FlowChooser {
 public:
  FlowChooser(std::size_t flows, uint64_t secret, const TargetMask& mask, FileRoom file = {})
      : flows_(flows, secret, file), mask_(&mask) {}

  [[gnu::always_inline]] void prefetch(uint64_t hash, FlowSignal signal) const {
    flows_.prefetch(hash, opens_flow(signal));
  }
  // Null where the listener has no target for it. Always inline: nearly every packet is of a flow that is
  // known, and what its neighbours in the burst do meanwhile is what hides the cache's latency.
  [[gnu::always_inline]] const Target* choose(const L4Table& table, uint32_t listener, const Key& key,
                                              uint64_t hash, FlowSignal signal, Tick now) {
    FlowEntry* entry = flows_.find(key, hash, now);
    if (entry != nullptr) {
      const Target* target = known(table, listener, *entry, signal, now);
      if (target != nullptr) [[likely]]
        return target;
    }
    return choose_anew(table, listener, key, hash, signal, now, entry);
  }
  // The same for a packet that is about the flow but not of it (an ICMP error): nothing is remembered.
  const Target* look_up(const L4Table& table, uint32_t listener, const Key& key, uint64_t hash, Tick now);

  // What choose() would make of the flow's next packet, which opens it where it is not known. `signal`:
  // kDatagram, or 0 for TCP.
  FlowAnswer explain(const L4Table& table, uint32_t listener, const Key& key, uint64_t hash,
                     FlowSignal signal, Tick now);

  FlowTable<Key>& flows() { return flows_; }
  const FlowTable<Key>& flows() const { return flows_; }
  const FlowCounts& counts() const { return counts_; }

 private:
  // A flow stays on its target as long as the target is there: while it drains, and while it is proved down
  // (its kernel ends the connections itself; a health check that was wrong must break none). A new connection
  // with the ports of an old one is chosen anew there. It is not otherwise: a forged SYN must not move a
  // flow. Datagrams have no connection that could be broken: they leave a target that is proved down.
  const Target* known(const L4Table& table, uint32_t listener, FlowEntry& entry, FlowSignal signal,
                      Tick now) const {
    const Target* target = table.target_of_id(entry.target_id(), listener);
    if (target == nullptr) return nullptr;
    if (opens_flow(signal) && (target->drain || mask_->masked(target->id))) return nullptr;
    if (is_datagram(signal) && mask_->masked(target->id)) return nullptr;
    // Nearly every packet: nothing has changed since the one before.
    const FlowState steady = is_datagram(signal) ? FlowState::kNew : FlowState::kEstablished;
    const bool says_nothing_new =
        (signal & (kTcpSyn | kTcpFin | kTcpRst)) == 0 && entry.state() == steady && entry.seen() == now;
    if (!says_nothing_new) entry = FlowEntry(target->id, next_state(entry.state(), signal), now);
    return target;
  }
  // `entry`: what is known under this key, and is of no use to it.
  const Target* choose_anew(const L4Table& table, uint32_t listener, const Key& key, uint64_t hash,
                            FlowSignal signal, Tick now, FlowEntry* entry);
  const Target* chosen_before(const L4Table& table, uint32_t listener, uint64_t hash, Tick now) const;
  const Target* usable(const L4Table& table, uint32_t listener, const Target* first, uint64_t hash) const;
  const Target* usable_of(const L4Table& table, uint32_t listener, const Choice& choice, uint64_t hash) const;
  uint64_t chosen_by(const Listener& listener, const Key& key, uint64_t hash) const;
  static uint64_t hash_of_turn(uint64_t turn);

  FlowTable<Key> flows_;
  const TargetMask* mask_;
  FlowCounts counts_;
  uint64_t turn_ = 0;  // of round robin, over all listeners
};

extern template class FlowChooser<ClientKeyV4>;
extern template class FlowChooser<ClientKeyV6>;

}  // namespace headgate::l4
