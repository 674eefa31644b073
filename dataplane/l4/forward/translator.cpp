// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/forward/translator.hpp"

#include "dataplane/l4/flow_chooser.hpp"
#include "dataplane/l4/icmp_error.hpp"

namespace headgate::l4 {
namespace {

// An answer keeps the flow from expiring, and ends it; that the client goes on is for the client to show.
FlowState state_after_answer(FlowState state, FlowSignal signal) {
  return !is_datagram(signal) && (signal & (kTcpFin | kTcpRst)) != 0 ? FlowState::kClosing : state;
}

// Nearly every packet says nothing new; then the line stays unwritten.
void note(FlowEntry& entry, FlowState state, Tick now) {
  if (entry.state() != state || entry.seen() != now) entry = FlowEntry(entry.target_id(), state, now);
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

template <typename Family>
bool Translator<Family>::rewrite(std::byte* frame, const ParsedPacket& parsed, const ToTarget& to, Tick now) {
  const Target& target = to.target;
  if (target.source) {
    const FlowSignal signal = parsed.signal();
    Flow* flow = flows_.find(to.client, target.id, target.backend_hash, to.hash, now);
    if (flow != nullptr)
      note(flow->entry, next_state(flow->entry.state(), signal), now);
    else
      flow = flows_.open(to.client, FlowEntry(target.id, FlowState::kNew, now), target.backend_hash, to.hash,
                         now);
    if (flow == nullptr) return false;
    rewrite_source(frame, parsed, to_ours(*flow, target));
  }
  rewrite_destination(frame, parsed, target.to_target);
  return true;
}

template <typename Family>
void Translator<Family>::rewrite_fragment(std::byte* frame, const ParsedPacket& parsed,
                                          const Target& target) const {
  if (target.source) {
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
                                     const typename Family::Address& to, uint16_t port, FlowSignal signal,
                                     Tick now) -> std::optional<Answer> {
  if (backend.fullnat != nullptr && backend.fullnat->source &&
      to == Family::bytes_of(*backend.fullnat->source)) {
    const auto is_backends = [&](uint32_t id) {
      const Target* target = table.target_of_id(id);
      return target != nullptr && target->backend_number == backend.number && target->source.has_value();
    };
    Flow* flow = flows_.find_port(backend.hash, port, now, is_backends);
    if (flow == nullptr) return std::nullopt;
    note(flow->entry, state_after_answer(flow->entry.state(), signal), now);
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
