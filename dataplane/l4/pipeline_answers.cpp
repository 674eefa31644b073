// SPDX-License-Identifier: Apache-2.0
// Pipeline: what comes back by the uplink from backends by nat and fullnat.
#include "dataplane/core/limits.hpp"
#include "dataplane/l4/forward/hop_limit.hpp"
#include "dataplane/l4/icmp_error.hpp"
#include "dataplane/l4/pipeline_burst.hpp"
#include "dataplane/l4/transport_checksum.hpp"

namespace headgate::l4 {
namespace {

// Where the first fragment went, as the others are told: a target's id (to it), or of an answer that id or
// the number of its flow by fullnat.
constexpr uint32_t kIsAnswer = 1u << 31;
constexpr uint32_t kOfNatFlow = 1u << 30;
static_assert(limits::kTargetIdsMax <= kOfNatFlow);

}  // namespace

// What a backend by nat or fullnat sends from the port that it serves: to a client through us, or to the
// machine's own health check.
template <typename Family>
[[gnu::noinline]] Verdict Pipeline::answer(Burst& burst, std::size_t index, const Backend& backend) {
  const PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  const auto& ip = ip_of<Family>(packet, parsed);
  if (!parsed.is_fragment && !finish_or_check_checksum(ip, packet, parsed))
    return Verdict::drop(DropReason::kTransportChecksumWrong);
  const auto found = translator<Family>().find_answer(
      burst.table, backend, ip.dst, ports_of(packet, parsed).dst_port.host(), parsed.signal(), tick_);
  if (!found) return classify_unbalanced<Family>(burst, index);
  const auto fragment = Family::fragment(ip, parsed.fragment_id);
  const Verdict verdict = send_back<Family>(
      burst, index, *found, [&] { translator<Family>().rewrite(packet.data, parsed, *found); });
  if (parsed.is_fragment && verdict.role == FlowRole::kFromTarget) {
    const uint32_t way = found->flow == nullptr ? found->target->id
                                                : kOfNatFlow | translator<Family>().number_of(*found->flow);
    fragments_.remember(fragment, kIsAnswer | way, tick_);
  }
  return verdict;
}

template <typename Family, typename Rewriting>
Verdict Pipeline::send_back(Burst& burst, std::size_t index,
                            const typename Translator<Family>::Answer& answer, Rewriting rewriting) {
  const PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  const auto& ip = ip_of<Family>(packet, parsed);
  const auto client = answer.flow == nullptr ? ip.dst : answer.flow->client.src;
  const RouteTable::Way way = burst.routes.find(client);
  if (way.kind == RouteKind::kHost || load_mac(packet.data) != uplink_mac_)
    return to_host(packet, parsed, burst.now);
  if (way.mac == 0) {
    if (way.kind == RouteKind::kNeighbour) wanted_neighbour_ = Family::to_address(client);
    return Verdict::drop(DropReason::kNoNextHop);
  }
  if (is_last_hop(packet.data, parsed)) return Verdict::drop(DropReason::kTtlExpired);
  count_hop(packet.data, parsed);
  rewriting();
  auto& ethernet = header_at<EthernetHeader>(packet.data);
  store_mac(ethernet.src.data(), uplink_mac_);
  store_mac(ethernet.dst.data(), way.mac);
  return from_target(*answer.target);
}

// To an address that is neither a VIP nor a replica's: the kernel's, but for what belongs to an answer.
template <typename Family>
Verdict Pipeline::classify_beside(Burst& burst, std::size_t index) {
  const ParsedPacket& parsed = burst.parsed[index];
  if (burst.table.has_backends() && parsed.transport_fault == DropReason::kNone) {
    if (parsed.kind == PacketKind::kIcmpError && !parsed.is_fragment)
      return answer_error<Family>(burst, index);
    if (parsed.kind == PacketKind::kLaterFragment) return answer_fragment<Family>(burst, index);
  }
  return to_host(burst.packets[index], parsed, burst.now);
}

template <typename Family>
Verdict Pipeline::answer_error(Burst& burst, std::size_t index) {
  const PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  auto& nat = translator<Family>();
  const auto quoted = parse_quoted(packet, parsed);
  if (!quoted) return to_host(packet, parsed, burst.now);
  const auto& ip = ip_of<Family>(packet, *quoted);
  const auto& ports = ports_of(packet, *quoted);
  // The quote must be of a packet that we sent to the backend, and the error must have come to its sender.
  const Backend* backend =
      burst.table.find_backend(Family::service(ip.dst, ports.dst_port, quoted->protocol));
  if (backend == nullptr || ip.src != ip_of<Family>(packet, parsed).dst)
    return to_host(packet, parsed, burst.now);
  const auto found =
      nat.find_answer(burst.table, *backend, ip.src, ports.src_port.host(), std::nullopt, tick_);
  if (!found) return to_host(packet, parsed, burst.now);
  if (!has_right_checksum(packet, parsed)) return Verdict::drop(DropReason::kTransportChecksumWrong);
  return send_back<Family>(burst, index, *found, [&] {
    nat.rewrite_error(packet.data, parsed, *quoted, *found);
    ++icmp_errors_translated_;
  });
}

template <typename Family>
Verdict Pipeline::answer_fragment(Burst& burst, std::size_t index) {
  const PacketView& packet = burst.packets[index];
  const ParsedPacket& parsed = burst.parsed[index];
  auto& nat = translator<Family>();
  const auto way =
      fragments_.find(Family::fragment(ip_of<Family>(packet, parsed), parsed.fragment_id), tick_);
  if (!way || *way == FragmentTable::kUntouched || (*way & kIsAnswer) == 0)
    return to_host(packet, parsed, burst.now);
  std::optional<typename Translator<Family>::Answer> found;
  if ((*way & kOfNatFlow) != 0)
    found = nat.find_answer(burst.table, *way & ~(kIsAnswer | kOfNatFlow), tick_);
  else if (const Target* target = burst.table.target_of_id(*way & ~kIsAnswer))
    found = {target, nullptr};
  const bool is_its =
      found && ip_of<Family>(packet, parsed).src == Family::bytes_of(found->target->endpoint.address);
  if (!is_its) return Verdict::drop(DropReason::kFragmentUnmatched);
  return send_back<Family>(burst, index, *found, [&] { nat.rewrite_fragment(packet.data, parsed, *found); });
}

template Verdict Pipeline::answer<FamilyV4>(Burst&, std::size_t, const Backend&);
template Verdict Pipeline::classify_beside<FamilyV4>(Burst&, std::size_t);
template Verdict Pipeline::answer<FamilyV6>(Burst&, std::size_t, const Backend&);
template Verdict Pipeline::classify_beside<FamilyV6>(Burst&, std::size_t);

}  // namespace headgate::l4
