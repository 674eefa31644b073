// SPDX-License-Identifier: Apache-2.0
// Forwarder: sends a balanced packet on its way to a target on another machine, by the listener's forwarding.
// What can't go is answered, at a bounded rate, or dropped with its reason. Thread: one worker's; the next
// hops outlive it.
#pragma once

#include "dataplane/core/clock.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l4/forward/next_hops.hpp"
#include "dataplane/l4/l4_table.hpp"
#include "dataplane/l4/packet.hpp"
#include "dataplane/l4/token_bucket.hpp"

namespace headgate::l4 {

class Forwarder {
 public:
  explicit Forwarder(const NextHops& next_hops) : next_hops_(&next_hops) {}

  struct Flow {
    const Target& target;
    FlowRole role = FlowRole::kToTarget;  // what the packet is to it
    uint64_t hash = 0;                    // tells it from others on the way; 0: not known of this packet
  };
  // The frame came by the uplink, to the uplink's own MAC address.
  Verdict forward(const L4Table& table, PacketView& packet, const ParsedPacket& parsed, const Flow& flow,
                  TimePoint now);

  uint64_t answers() const { return answers_; }  // ICMP errors of our own

 private:
  template <typename Answer>
  Verdict answer_or_drop(DropReason reason, TimePoint now, Answer answer);

  const NextHops* next_hops_;
  TokenBucket answers_left_{limits::kIcmpAnswersPpsMax};
  uint64_t answers_ = 0;
};

}  // namespace headgate::l4
