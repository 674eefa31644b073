// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/pipeline.hpp"

#include "dataplane/core/assert.hpp"
#include "dataplane/l4/family.hpp"
#include "dataplane/l4/flow_hash.hpp"
#include "dataplane/l4/icmp_error.hpp"
#include "dataplane/l4/pipeline_burst.hpp"
#include "dataplane/l4/transport_checksum.hpp"

namespace headgate::l4 {
namespace {

// The whole table is swept within this: a quarter of what a Tick can tell.
constexpr uint32_t kSweepTicks = Tick::kMask / 4;
constexpr std::size_t kSweepBucketsAtOnce = 512;

// In the file one table lies behind the other.
enum class FilePart : uint8_t { kFlowsV4, kFlowsV6, kNatV4, kNatV6, kEnd };

std::size_t offset_of(FilePart part, std::size_t flows) {
  const std::size_t bytes[] = {
      FlowTable<ClientKeyV4>::file_bytes(flows), FlowTable<ClientKeyV6>::file_bytes(flows),
      NatTable<ClientKeyV4>::file_bytes(flows), NatTable<ClientKeyV6>::file_bytes(flows)};
  std::size_t offset = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(part); ++i) offset += bytes[i];
  return offset;
}

FileRoom room_of(FilePart part, const PipelineOptions& options) {
  FileRoom room = options.flow_file;
  room.offset_bytes += offset_of(part, options.flows);
  return room;
}

HostClass class_of(const ParsedPacket& parsed) {
  if (parsed.is_neighbour) return HostClass::kNeighbour;
  const bool is_icmp = parsed.kind == PacketKind::kIcmp || parsed.kind == PacketKind::kIcmpError;
  return is_icmp ? HostClass::kIcmp : HostClass::kOther;
}

bool may_finish_checksum(const ParsedPacket& parsed) {
  return (parsed.kind == PacketKind::kTcp || parsed.kind == PacketKind::kUdp) && !parsed.is_fragment &&
         parsed.transport_fault == DropReason::kNone;
}

Verdict to_local(const Target& target, FlowRole role) {
  return {.exit = Exit::kHost, .role = role, .target_id = target.id};
}

}  // namespace

std::size_t Pipeline::flow_file_bytes(std::size_t flows) { return offset_of(FilePart::kEnd, flows); }

Pipeline::Pipeline(const PipelineOptions& options, const TargetMask& mask, const NextHops& next_hops)
    : flows_v4_(options.flows, options.secret, mask, room_of(FilePart::kFlowsV4, options)),
      flows_v6_(options.flows, options.secret, mask, room_of(FilePart::kFlowsV6, options)),
      fragments_(limits::kFragmentsPerWorker, options.secret),
      forwarder_(next_hops),
      nat_v4_(options.flows, options.secret, options.nat_ports, room_of(FilePart::kNatV4, options)),
      nat_v6_(options.flows, options.secret, options.nat_ports, room_of(FilePart::kNatV6, options)),
      uplink_mac_(load_mac(options.uplink_mac.data())) {}

template <>
FlowChooser<ClientKeyV4>& Pipeline::chooser<FamilyV4>() {
  return flows_v4_;
}
template <>
FlowChooser<ClientKeyV6>& Pipeline::chooser<FamilyV6>() {
  return flows_v6_;
}

template <>
Translator<FamilyV4>& Pipeline::translator<FamilyV4>() {
  return nat_v4_;
}
template <>
Translator<FamilyV6>& Pipeline::translator<FamilyV6>() {
  return nat_v6_;
}

PipelineCounts Pipeline::counts() const {
  const auto& nat_v4 = nat_v4_.flows();
  const auto& nat_v6 = nat_v6_.flows();
  return {.flows_held = flows_v4_.flows().size() + flows_v6_.flows().size(),
          .flows_remembered = flows_v4_.counts().remembered + flows_v6_.counts().remembered,
          .flows_evicted = flows_v4_.counts().evicted + flows_v6_.counts().evicted,
          .icmp_errors_translated = icmp_errors_translated_,
          .icmp_answers = forwarder_.answers(),
          .nat_flows_held = nat_v4.size() + nat_v6.size(),
          .nat_flows_opened = nat_v4.opened() + nat_v6.opened(),
          .nat_flows_evicted = nat_v4.evicted() + nat_v6.evicted()};
}

Verdict Pipeline::to_host(const PacketView& packet, const ParsedPacket& parsed, TimePoint now) {
  const HostClass which = class_of(parsed);
  if (!host_rate_.allow(which, now)) {
    constexpr DropReason kReasons[] = {DropReason::kHostRateNeighbour, DropReason::kHostRateIcmp,
                                       DropReason::kHostRateOther};
    return Verdict::drop(kReasons[static_cast<std::size_t>(which)]);
  }
  if (may_finish_checksum(parsed)) finish_partial_checksum(packet, parsed);
  return Verdict::host();
}

// --- from the uplink
// -----------------------------------------------------------------------------------------

void Pipeline::from_uplink(const View& view, std::span<PacketView> packets, std::span<Verdict> verdicts,
                           TimePoint now) {
  HG_ASSERT(packets.size() <= limits::kBurstMax && verdicts.size() >= packets.size());
  tick_ = Tick::at(now);
  Burst burst{view.table, view.routes, packets, verdicts, now, {}};
  Waiting<FamilyV4> waiting_v4;
  Waiting<FamilyV6> waiting_v6;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const ParsedPacket& parsed = burst.parsed.emplace(i, [&] { return parse(packets[i]); });
    if (parsed.ip_fault != DropReason::kNone)
      verdicts[i] = Verdict::drop(parsed.ip_fault);
    else if (parsed.kind == PacketKind::kNotIp)
      verdicts[i] = to_host(packets[i], parsed, now);
    else if (parsed.is_v6)
      classify_uplink(burst, i, waiting_v6);
    else
      classify_uplink(burst, i, waiting_v4);
  }
  balance(burst, waiting_v4);
  balance(burst, waiting_v6);
}

// First pass over one packet: its verdict, or a place among those that wait for the second.
template <typename Family>
void Pipeline::classify_uplink(Burst& burst, std::size_t index, Waiting<Family>& waiting) {
  const PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  Verdict& verdict = burst.verdicts[index];
  const auto& ip = ip_of<Family>(packet, parsed);
  // A neighbour may well speak of an address of ours: that is how the kernel learns of a duplicate.
  if (burst.table.role_of_source(Family::address(ip.src)) != AddressRole::kNone && !parsed.is_neighbour) {
    verdict = Verdict::drop(DropReason::kSourceSpoofed);
    return;
  }
  const uint32_t* listener = nullptr;
  const bool has_ports = parsed.kind == PacketKind::kTcp || parsed.kind == PacketKind::kUdp;
  if (has_ports && parsed.transport_fault == DropReason::kNone) [[likely]]
    listener = burst.table.find(Family::service(ip.dst, ports_of(packet, parsed).dst_port, parsed.protocol));
  if (listener == nullptr) {
    const Backend* backend = nullptr;
    if (has_ports && parsed.transport_fault == DropReason::kNone && burst.table.has_backends())
      backend = burst.table.find_backend(
          Family::service(ip.src, ports_of(packet, parsed).src_port, parsed.protocol));
    verdict = backend == nullptr ? classify_unbalanced<Family>(burst, index)
                                 : answer<Family>(burst, index, *backend);
    return;
  }
  if (!parsed.is_fragment && !finish_or_check_checksum(ip, packet, parsed)) {
    verdict = Verdict::drop(DropReason::kTransportChecksumWrong);
    return;
  }
  const auto key = flow_key_of(ip, ports_of(packet, parsed), parsed.protocol);
  const uint64_t hash = hash_flow(key);
  // The fragments that follow may be in this very burst, and must find where it goes.
  if (parsed.is_fragment) [[unlikely]] {
    verdict = balance_one<Family>(burst, {index, *listener, client_key_of(key), hash});
    return;
  }
  chooser<Family>().prefetch(hash, parsed.signal());
  waiting.keys.emplace(waiting.count, [&] { return client_key_of(key); });
  waiting.hashes.emplace(waiting.count, [&] { return hash; });
  waiting.listeners.emplace(waiting.count, [&] { return *listener; });
  waiting.packets.emplace(waiting.count, [&] { return static_cast<uint8_t>(index); });
  ++waiting.count;
}

// What comes by the uplink and is of no listener: the kernel's business, or what belongs to a balanced flow
// without naming its ports where a packet has them.
template <typename Family>
[[gnu::noinline]] Verdict Pipeline::classify_unbalanced(Burst& burst, std::size_t index) {
  const PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  const auto& ip = ip_of<Family>(packet, parsed);
  const AddressRole role = burst.table.role(Family::address(ip.dst));
  if (role == AddressRole::kLocal) return Verdict::drop(DropReason::kLocalAddress);
  if (role == AddressRole::kNone) return classify_beside<Family>(burst, index);
  if (parsed.transport_fault != DropReason::kNone) return Verdict::drop(parsed.transport_fault);
  // One in fragments is the kernel's: what it quotes may go on in the next, and its checksum is over all.
  if (parsed.kind == PacketKind::kIcmpError && !parsed.is_fragment) return uplink_error<Family>(burst, index);
  if (parsed.kind == PacketKind::kLaterFragment) return uplink_fragment<Family>(burst, index);
  if (parsed.is_fragment)
    fragments_.remember(Family::fragment(ip, parsed.fragment_id), FragmentTable::kUntouched, tick_);
  return to_host(packet, parsed, burst.now);
}

template <typename Family>
void Pipeline::balance(Burst& burst, const Waiting<Family>& waiting) {
  for (std::size_t i = 0; i < waiting.count; ++i)
    burst.verdicts[waiting.packets[i]] = balance_one<Family>(
        burst, {waiting.packets[i], waiting.listeners[i], waiting.keys[i], waiting.hashes[i]});
}

template <typename Family>
[[gnu::always_inline]] inline Verdict Pipeline::balance_one(Burst& burst, const Balanced<Family>& balanced) {
  const PacketView& packet = burst.packets[balanced.index];
  const ParsedPacket& parsed = burst.parsed[balanced.index];
  auto& flows = chooser<Family>();
  const uint64_t remembered = flows.counts().remembered;
  const Target* target =
      flows.choose(burst.table, balanced.listener, balanced.key, balanced.hash, parsed.signal(), tick_);
  if (target == nullptr) return Verdict::drop(DropReason::kNoTarget);
  if (parsed.is_fragment)
    fragments_.remember(Family::fragment(ip_of<Family>(packet, parsed), parsed.fragment_id), target->id,
                        tick_);
  // Of datagrams the first is the one that was remembered.
  const bool opens =
      is_datagram(parsed.signal()) ? flows.counts().remembered != remembered : opens_flow(parsed.signal());
  const FlowRole role = opens ? FlowRole::kOpensFlow : FlowRole::kToTarget;
  if (!target->is_local()) [[unlikely]]
    return forward_balanced<Family>(burst, balanced.index, {*target, role, balanced.hash}, balanced.key);
  rewrite_destination(packet.data, parsed, target->to_target);
  return to_local(*target, role);
}

// A switch floods what it does not know the port of: what is another neighbour's must not come twice.
// `translating`: by nat or fullnat, for what goes to the target and is no answer of ours to its sender; false
// where no flow is to be had.
template <typename Translating>
Verdict Pipeline::forward(Burst& burst, std::size_t index, const Forwarder::Flow& flow,
                          Translating translating) {
  PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  if (load_mac(packet.data) != uplink_mac_) return to_host(packet, parsed, burst.now);
  const Verdict verdict = forwarder_.forward(burst.table, packet, parsed, flow, burst.now);
  if (verdict.role == FlowRole::kNone || !is_nat(flow.target.forwarding)) return verdict;
  return translating() ? verdict : Verdict::drop(DropReason::kNoNatFlow);
}

// Never inline: what is in it would be in the way of what needs none of it.
template <typename Family>
[[gnu::noinline]] Verdict Pipeline::forward_balanced(Burst& burst, std::size_t index,
                                                     const Forwarder::Flow& flow,
                                                     const typename Family::Client& client) {
  return forward(burst, index, flow, [&] {
    return translator<Family>().rewrite(burst.packets[index].data, burst.parsed[index],
                                        {flow.target, client, flow.hash}, tick_);
  });
}

template <typename Family>
Verdict Pipeline::uplink_error(Burst& burst, std::size_t index) {
  const PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  const auto quoted = parse_quoted(packet, parsed);
  if (!quoted) return to_host(packet, parsed, burst.now);
  const auto& ip = ip_of<Family>(packet, *quoted);
  const auto& ports = ports_of(packet, *quoted);
  const uint32_t* listener = burst.table.find(Family::service(ip.src, ports.src_port, quoted->protocol));
  // The quote must be of a packet that the VIP sent, and the error must have come to that VIP.
  if (listener == nullptr || ip.src != ip_of<Family>(packet, parsed).dst)
    return to_host(packet, parsed, burst.now);
  if (!has_right_checksum(packet, parsed))  // RFC 5508 REQ-3
    return Verdict::drop(DropReason::kTransportChecksumWrong);
  const typename Family::Key key{ip.dst, ip.src, ports.dst_port, ports.src_port, quoted->protocol, {}};
  const auto client = client_key_of(key);
  const uint64_t hash = hash_flow(key);
  const Target* target = chooser<Family>().look_up(burst.table, *listener, client, hash, tick_);
  if (target == nullptr) return Verdict::drop(DropReason::kNoTarget);
  if (!target->is_local())
    return forward(burst, index, {.target = *target}, [&] {
      auto& nat = translator<Family>();
      if (!nat.rewrite_error(packet.data, parsed, *quoted, {*target, client, hash}, tick_)) return false;
      ++icmp_errors_translated_;
      return true;
    });
  rewrite_error_to_target(packet.data, parsed, *quoted, target->to_target);
  ++icmp_errors_translated_;
  return to_local(*target, FlowRole::kToTarget);
}

template <typename Family>
Verdict Pipeline::uplink_fragment(Burst& burst, std::size_t index) {
  const PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  const auto& ip = ip_of<Family>(packet, parsed);
  const auto target_id = fragments_.find(Family::fragment(ip, parsed.fragment_id), tick_);
  if (!target_id) return Verdict::drop(DropReason::kFragmentUnmatched);
  if (*target_id == FragmentTable::kUntouched) return to_host(packet, parsed, burst.now);
  const Target* target = burst.table.target_of_id(*target_id);
  if (target == nullptr) return Verdict::drop(DropReason::kFragmentUnmatched);
  if (!target->is_local())
    return forward(burst, index, {.target = *target}, [&] {
      translator<Family>().rewrite_fragment(packet.data, parsed, *target);
      return true;
    });
  rewrite_destination_address(packet.data, parsed, target->to_target);
  return to_local(*target, FlowRole::kToTarget);
}

// --- from the host port
// --------------------------------------------------------------------------------------

// The reverse direction is a static map, no flow state: the replica's local address and port say all.
void Pipeline::from_host(const L4Table& table, std::span<const PacketView> packets,
                         std::span<Verdict> verdicts) {
  HG_ASSERT(verdicts.size() >= packets.size());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const ParsedPacket parsed = parse(packets[i]);
    if (parsed.ip_fault != DropReason::kNone)
      verdicts[i] = Verdict::drop(parsed.ip_fault);
    else if (parsed.kind == PacketKind::kNotIp)
      verdicts[i] = Verdict::uplink();
    else
      verdicts[i] = parsed.is_v6 ? classify_host<FamilyV6>(table, packets[i], parsed)
                                 : classify_host<FamilyV4>(table, packets[i], parsed);
  }
}

template <typename Family>
Verdict Pipeline::classify_host(const L4Table& table, const PacketView& packet, const ParsedPacket& parsed) {
  const auto& ip = ip_of<Family>(packet, parsed);
  if (may_finish_checksum(parsed)) finish_partial_checksum(packet, parsed);
  if (parsed.kind == PacketKind::kIcmpError) return host_error<Family>(table, packet, parsed);
  if (table.role(Family::address(ip.src)) != AddressRole::kLocal) return Verdict::uplink();
  // From here on the packet must be translated: the local address means nothing outside this machine.
  const Target* target = nullptr;
  if (parsed.kind == PacketKind::kTcp && parsed.transport_fault == DropReason::kNone) {
    target = table.find_local(Family::service(ip.src, ports_of(packet, parsed).src_port, kProtocolTcp));
    if (target == nullptr) return Verdict::drop(DropReason::kLocalAddress);
    if (parsed.is_fragment) fragments_.remember(Family::fragment(ip, parsed.fragment_id), target->id, tick_);
    rewrite_source(packet.data, parsed, target->from_target);
  } else if (parsed.kind == PacketKind::kLaterFragment) {
    const auto target_id = fragments_.find(Family::fragment(ip, parsed.fragment_id), tick_);
    if (target_id) target = table.target_of_id(*target_id);
    if (target == nullptr) return Verdict::drop(DropReason::kFragmentUnmatched);
    rewrite_source_address(packet.data, parsed, target->from_target);
  } else {
    return Verdict::drop(DropReason::kLocalAddress);
  }
  return from_target(*target);
}

template <typename Family>
Verdict Pipeline::host_error(const L4Table& table, const PacketView& packet, const ParsedPacket& parsed) {
  const bool from_local =
      table.role(Family::address(ip_of<Family>(packet, parsed).src)) == AddressRole::kLocal;
  const Verdict untouched = from_local ? Verdict::drop(DropReason::kLocalAddress) : Verdict::uplink();
  const auto quoted = parse_quoted(packet, parsed);
  if (!quoted) return untouched;
  const auto& quoted_ip = ip_of<Family>(packet, *quoted);
  const auto quoted_port = ports_of(packet, *quoted).dst_port;
  const Target* target = table.find_local(Family::service(quoted_ip.dst, quoted_port, quoted->protocol));
  if (target == nullptr) return untouched;
  rewrite_error_from_target(packet.data, parsed, *quoted, target->from_target, from_local);
  ++icmp_errors_translated_;
  return from_target(*target);
}

// --- questions
// ---------------------------------------------------------------------------------------------

template <typename Family>
FlowAnswer Pipeline::explain_of(const L4Table& table, const FlowQuestion& question, Tick now) {
  const auto address = [](const Endpoint& endpoint) { return Family::bytes_of(endpoint.address); };
  const Be16 reached_port(question.reached.port);
  const uint32_t* listener =
      table.find(Family::service(address(question.reached), reached_port, question.protocol));
  if (listener == nullptr) return {};
  const typename Family::Key key{address(question.client),   address(question.reached),
                                 Be16(question.client.port), reached_port,
                                 question.protocol,          {}};
  const FlowSignal signal = question.protocol == kProtocolUdp ? kDatagram : 0;
  return chooser<Family>().explain(table, *listener, client_key_of(key), hash_flow(key), signal, now);
}

FlowAnswer Pipeline::explain(const L4Table& table, const FlowQuestion& question, TimePoint now) {
  const Tick tick = Tick::at(now);
  FlowAnswer answer = question.reached.address.is_v6() ? explain_of<FamilyV6>(table, question, tick)
                                                       : explain_of<FamilyV4>(table, question, tick);
  answer.number = question.number;
  return answer;
}

// --- between bursts
// ------------------------------------------------------------------------------------------

bool Pipeline::tend(TimePoint now) {
  const Tick tick = Tick::at(now);
  if (tick != swept_at_) {
    // Ticks that were slept through are made up for: their share is swept now.
    const uint32_t passed = std::min(tick.since(swept_at_), kSweepTicks);
    tick_ = swept_at_ = tick;
    unswept_v4_ = flows_v4_.flows().bucket_count() * passed / kSweepTicks + 1;
    unswept_v6_ = flows_v6_.flows().bucket_count() * passed / kSweepTicks + 1;
    unswept_nat_v4_ = nat_v4_.flows().bucket_count() * passed / kSweepTicks + 1;
    unswept_nat_v6_ = nat_v6_.flows().bucket_count() * passed / kSweepTicks + 1;
  }
  const auto sweep = [&](auto& flows, std::size_t& unswept) {
    const std::size_t buckets = std::min(unswept, kSweepBucketsAtOnce);
    flows.sweep(buckets, tick_);
    unswept -= buckets;
  };
  if (unswept_v4_ > 0) sweep(flows_v4_.flows(), unswept_v4_);
  if (unswept_v6_ > 0) sweep(flows_v6_.flows(), unswept_v6_);
  if (unswept_nat_v4_ > 0) sweep(nat_v4_.flows(), unswept_nat_v4_);
  if (unswept_nat_v6_ > 0) sweep(nat_v6_.flows(), unswept_nat_v6_);
  return unswept_v4_ + unswept_v6_ + unswept_nat_v4_ + unswept_nat_v6_ > 0;
}

}  // namespace headgate::l4
