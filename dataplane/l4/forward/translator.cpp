// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/translator.hpp"

#include "dataplane/core/checksum.hpp"
#include "dataplane/l4/flow_chooser.hpp"
#include "dataplane/l4/flow_hash.hpp"
#include "dataplane/l4/icmp_error.hpp"

namespace headgate::l4 {
namespace {

// A flow that is forgotten too early is broken, unlike one of a FlowTable: so it is closing only once both
// sides have sent FIN, or after a RST as long as nothing shows that nobody has believed it; and it is
// established only once the backend has answered and the client has gone on.
template <typename Flow>
FlowState next_nat_state(const Flow& flow, FlowSignal signal, bool from_client) {
  const FlowState state = flow.entry.state();
  if (is_datagram(signal)) return FlowState::kNew;
  if ((signal & kTcpRst) != 0) return FlowState::kClosing;
  const unsigned both = kClientFin | kBackendFin;
  if ((flow.seen & both) == both) return FlowState::kClosing;
  if ((flow.seen & kAnswered) == 0) return FlowState::kNew;
  if (!from_client) return state;
  return opens_flow(signal) ? state : FlowState::kEstablished;
}

// Nearly every packet says nothing new; then the line stays unwritten.
template <typename Flow>
void note(Flow& flow, FlowSignal signal, bool from_client, Tick now) {
  unsigned seen = flow.seen;
  if (!is_datagram(signal)) {
    if (from_client && opens_flow(signal) && flow.entry.state() == FlowState::kClosing) seen = 0;  // anew
    if ((signal & kTcpFin) != 0) seen |= from_client ? kClientFin : kBackendFin;
    if (!from_client && (signal & kTcpRst) == 0) seen |= kAnswered;
  }
  if (seen != flow.seen) flow.seen = static_cast<uint16_t>(seen);
  const FlowState state = next_nat_state(flow, signal, from_client);
  if (flow.entry.state() != state || flow.entry.seen() != now)
    flow.entry = FlowEntry(flow.entry.target_id(), state, now);
}

}  // namespace

template <typename Family>
Rewrite Translator<Family>::to_ours(const Flow& flow, const Target& target) {
  const auto& ours = Family::bytes_of(*target.source);
  return Rewrite(typename Family::Side{flow.client.src, flow.client.src_port},
                 typename Family::Side{ours, Be16(flow.port)});
}

template <typename Family>
Rewrite Translator<Family>::to_client(const Flow& flow, const Target& target) {
  const auto& ours = Family::bytes_of(*target.source);
  return Rewrite(typename Family::Side{ours, Be16(flow.port)},
                 typename Family::Side{flow.client.src, flow.client.src_port});
}

// All clients become one sender, whose fragments a receiver tells apart by 16 bits of id alone (RFC 791): the
// id is mixed with whose it was, by a secret, the same for all fragments of a packet. Of IPv6 there are 32,
// which senders choose so that they cannot be foretold (RFC 7739).
template <typename Family>
void Translator<Family>::tell_fragments_apart(std::byte* frame, const ParsedPacket& parsed) const {
  if constexpr (std::is_same_v<Family, FamilyV4>) {
    if (!parsed.is_fragment) return;
    auto& ip = ip_at(frame, parsed);
    const uint64_t whose = uint64_t{ip.src.raw()} << 16 | ip.id.raw();
    const Be16 id(static_cast<uint16_t>(XXH3_64bits_withSeed(&whose, sizeof whose, secret_)));
    update_checksum(ip.checksum, delta_of(ip.id, id));
    ip.id = id;
  }
}

template <typename Family>
bool Translator<Family>::rewrite(std::byte* frame, const ParsedPacket& parsed, const ToTarget& to, Tick now) {
  const Target& target = to.target;
  if (target.source) {
    const FlowSignal signal = parsed.signal();
    Flow* flow = flows_.find(to.client, target.id, target.backend_hash, to.hash, now);
    // What ends a flow that is not known begins none.
    if (flow == nullptr && (is_datagram(signal) || (signal & (kTcpFin | kTcpRst)) == 0))
      flow = flows_.open(to.client, FlowEntry(target.id, FlowState::kNew, now), target.backend_hash, to.hash,
                         now);
    if (flow == nullptr) return false;
    note(*flow, signal, true, now);
    tell_fragments_apart(frame, parsed);
    rewrite_source(frame, parsed, to_ours(*flow, target));
  }
  rewrite_destination(frame, parsed, target.to_target);
  return true;
}

template <typename Family>
void Translator<Family>::rewrite_fragment(std::byte* frame, const ParsedPacket& parsed,
                                          const Target& target) const {
  if (target.source) {
    tell_fragments_apart(frame, parsed);
    const auto from = ip_at(frame, parsed).src;
    const typename Family::Side ours{Family::bytes_of(*target.source), Be16(0)};
    rewrite_source_address(frame, parsed, Rewrite(typename Family::Side{from, Be16(0)}, ours));
  }
  rewrite_destination_address(frame, parsed, target.to_target);
}

template <typename Family>
bool Translator<Family>::rewrite_error(std::byte* frame, const ParsedPacket& error,
                                       const ParsedPacket& quoted, const ToTarget& to, Tick now) {
  const Target& target = to.target;
  if (target.source) {
    const Flow* flow = flows_.find(to.client, target.id, target.backend_hash, to.hash, now);
    if (flow == nullptr) return false;
    rewrite_error_from_target(frame, error, quoted, to_ours(*flow, target), false);
    const auto from = ip_at(frame, error).src;
    const typename Family::Side ours{Family::bytes_of(*target.source), Be16(0)};
    rewrite_error_source(frame, error, Rewrite(typename Family::Side{from, Be16(0)}, ours));
  }
  rewrite_error_to_target(frame, error, quoted, target.to_target);
  return true;
}

template <typename Family>
auto Translator<Family>::find_answer(const L4Table& table, const Backend& backend,
                                     const typename Family::Address& to, uint16_t port,
                                     std::optional<FlowSignal> signal, Tick now) -> std::optional<Answer> {
  if (backend.fullnat != nullptr && backend.fullnat->source &&
      to == Family::bytes_of(*backend.fullnat->source)) {
    const auto is_backends = [&](uint32_t id) {
      const Target* target = table.target_of_id(id);
      return target != nullptr && target->backend_number == backend.number && target->source.has_value();
    };
    Flow* flow = flows_.find_port(backend.hash, port, now, is_backends);
    if (flow == nullptr) return std::nullopt;
    if (signal) note(*flow, *signal, false, now);
    return Answer{table.target_of_id(flow->entry.target_id()), flow};
  }
  if (backend.nat == nullptr) return std::nullopt;
  return Answer{backend.nat, nullptr};
}

template <typename Family>
auto Translator<Family>::find_answer(const L4Table& table, uint32_t flow_number, Tick now)
    -> std::optional<Answer> {
  const Flow* flow = flows_.find_number(flow_number, now);
  if (flow == nullptr) return std::nullopt;
  const Target* target = table.target_of_id(flow->entry.target_id());
  if (target == nullptr || !target->source) return std::nullopt;
  return Answer{target, flow};
}

template <typename Family>
void Translator<Family>::rewrite(std::byte* frame, const ParsedPacket& parsed, const Answer& answer) const {
  rewrite_source(frame, parsed, answer.target->from_target);
  if (answer.flow != nullptr) rewrite_destination(frame, parsed, to_client(*answer.flow, *answer.target));
}

template <typename Family>
void Translator<Family>::rewrite_fragment(std::byte* frame, const ParsedPacket& parsed,
                                          const Answer& answer) const {
  rewrite_source_address(frame, parsed, answer.target->from_target);
  if (answer.flow != nullptr)
    rewrite_destination_address(frame, parsed, to_client(*answer.flow, *answer.target));
}

template <typename Family>
void Translator<Family>::rewrite_error(std::byte* frame, const ParsedPacket& error,
                                       const ParsedPacket& quoted, const Answer& answer) const {
  const Target& target = *answer.target;
  const auto& from = Family::bytes_of(target.endpoint.address);
  rewrite_error_from_target(frame, error, quoted, target.from_target, ip_at(frame, error).src == from);
  if (answer.flow != nullptr) rewrite_error_to_target(frame, error, quoted, to_client(*answer.flow, target));
}

template class Translator<FamilyV4>;
template class Translator<FamilyV6>;

}  // namespace headgate::l4
