// SPDX-License-Identifier: Apache-2.0
// Pipeline: what one worker does with a burst of packets, and all that it remembers between bursts. Two
// passes: parse, look up the listener, hash and prefetch; then, with the lines on their way, choose and
// rewrite. Every packet gets exactly one Verdict; acting on it is the caller's. No allocation, lock or system
// call. Thread: one worker's. Mask and next hops outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/flow_key.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/l4/burst_array.hpp"
#include "dataplane/l4/flow_chooser.hpp"
#include "dataplane/l4/flow_question.hpp"
#include "dataplane/l4/forward/forwarder.hpp"
#include "dataplane/l4/forward/route_table.hpp"
#include "dataplane/l4/forward/translator.hpp"
#include "dataplane/l4/fragment_table.hpp"
#include "dataplane/l4/host_rate.hpp"
#include "dataplane/l4/l4_table.hpp"
#include "dataplane/l4/packet.hpp"
#include "dataplane/l4/verdict.hpp"

namespace headgate::l4 {

struct PipelineCounts {
  uint64_t flows_held = 0;  // may include some that have expired and not been swept yet
  uint64_t flows_remembered = 0;
  uint64_t flows_evicted = 0;
  uint64_t icmp_errors_translated = 0;
  uint64_t icmp_answers = 0;  // errors of our own
  uint64_t nat_flows_held = 0;
  uint64_t nat_flows_opened = 0;
  uint64_t nat_flows_evicted = 0;
};

struct PipelineOptions {
  std::size_t flows = limits::kFlowsPerWorker;  // of each family
  uint64_t secret = 0;                          // random, of its flows: see FlowTable
  FileRoom flow_file = {};                      // where they outlive the process: flow_file_bytes() of room
  MacAddress uplink_mac{};                      // a frame to another neighbour is not forwarded to a third
  NatPorts nat_ports = {};                      // for flows by fullnat
};

// What a burst is handled by.
struct View {
  const L4Table& table;
  const RouteTable& routes;
};

class Pipeline {
 public:
  Pipeline(const PipelineOptions& options, const TargetMask& mask, const NextHops& next_hops);

  static std::size_t flow_file_bytes(std::size_t flows);
  // Of how flows lie in the file: another number, other bytes.
  static constexpr uint32_t kFlowLayout = 2;

  // At most kBurstMax packets; as many verdicts. What leaves by the uplink may begin elsewhere then and be of
  // another length.
  void from_uplink(const View& view, std::span<PacketView> packets, std::span<Verdict> verdicts,
                   TimePoint now);
  void from_host(const L4Table& table, std::span<const PacketView> packets, std::span<Verdict> verdicts);

  // A bounded piece of the work that no packet asks for; true while there is more to do in this tick.
  bool tend(TimePoint now);

  // A neighbour that a packet should have gone to and that nobody knows, each at most once.
  std::optional<IpAddress> take_wanted_neighbour() { return std::exchange(wanted_neighbour_, std::nullopt); }

  // Nothing is remembered or counted. The ends are of one family.
  FlowAnswer explain(const L4Table& table, const FlowQuestion& question, TimePoint now);

  PipelineCounts counts() const;

 private:
  // The packets of one family that wait for the second pass.
  template <typename Family>
  struct Waiting {
    BurstArray<typename Family::Client> keys;
    BurstArray<uint64_t> hashes;
    BurstArray<uint32_t> listeners;
    BurstArray<uint8_t> packets;
    std::size_t count = 0;
  };
  struct Burst;

  template <typename Family>
  FlowChooser<typename Family::Client>& chooser();
  template <typename Family>
  Translator<Family>& translator();
  template <typename Family>
  FlowAnswer explain_of(const L4Table& table, const FlowQuestion& question, Tick now);
  template <typename Family>
  void classify_uplink(Burst& burst, std::size_t index, Waiting<Family>& waiting);
  template <typename Family>
  Verdict classify_unbalanced(Burst& burst, std::size_t index);
  template <typename Family>
  struct Balanced {  // one packet of a listener's
    std::size_t index;
    uint32_t listener;
    const typename Family::Client& key;
    uint64_t hash;
  };
  template <typename Family>
  void balance(Burst& burst, const Waiting<Family>& waiting);
  template <typename Family>
  Verdict balance_one(Burst& burst, const Balanced<Family>& packet);
  template <typename Translating>
  Verdict forward(Burst& burst, std::size_t index, const Forwarder::Flow& flow, Translating translating);
  template <typename Family>
  Verdict forward_balanced(Burst& burst, std::size_t index, const Forwarder::Flow& flow,
                           const typename Family::Client& client);
  template <typename Family>
  Verdict uplink_error(Burst& burst, std::size_t index);
  template <typename Family>
  Verdict uplink_fragment(Burst& burst, std::size_t index);
  template <typename Family>
  Verdict classify_beside(Burst& burst, std::size_t index);
  template <typename Family>
  Verdict answer(Burst& burst, std::size_t index, const Backend& backend);
  template <typename Family>
  Verdict answer_error(Burst& burst, std::size_t index);
  template <typename Family>
  Verdict answer_fragment(Burst& burst, std::size_t index);
  template <typename Family, typename Rewriting>
  Verdict send_back(Burst& burst, std::size_t index, const typename Translator<Family>::Answer& answer,
                    Rewriting rewriting);
  template <typename Family>
  Verdict classify_host(const L4Table& table, const PacketView& packet, const ParsedPacket& parsed);
  template <typename Family>
  Verdict host_error(const L4Table& table, const PacketView& packet, const ParsedPacket& parsed);
  Verdict to_host(const PacketView& packet, const ParsedPacket& parsed, TimePoint now);

  FlowChooser<ClientKeyV4> flows_v4_;
  FlowChooser<ClientKeyV6> flows_v6_;
  FragmentTable fragments_;
  HostRate host_rate_;
  Forwarder forwarder_;
  Translator<FamilyV4> nat_v4_;
  Translator<FamilyV6> nat_v6_;
  std::optional<IpAddress> wanted_neighbour_;
  uint64_t uplink_mac_;  // load_mac()
  Tick tick_;
  Tick swept_at_;
  std::size_t unswept_v4_ = 0;  // buckets still to sweep in this tick
  std::size_t unswept_v6_ = 0;
  std::size_t unswept_nat_v4_ = 0;
  std::size_t unswept_nat_v6_ = 0;
  uint64_t icmp_errors_translated_ = 0;
};

}  // namespace headgate::l4
