// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/flow_chooser.hpp"

#include "dataplane/core/limits.hpp"
#include "dataplane/l4/flow_hash.hpp"

namespace headgate::l4 {
namespace {

const Target* stateless_choice(const L4Table& table, uint32_t listener, const Choice& choice, uint64_t hash) {
  if (choice.maglev == nullptr || choice.maglev->empty()) return nullptr;
  return table.target_of_id(choice.ids[choice.maglev->choose(hash)], listener);
}

// Whether an entry's target is another listener's. One that has gone from the table may be this listener's.
auto foreign_to(const L4Table& table, uint32_t listener) {
  return [&table, listener](FlowEntry entry) {
    const Target* target = table.target_of_id(entry.target_id());
    return target != nullptr && target->listener != listener;
  };
}

}  // namespace

template <ClientKey Key>
const Target* FlowChooser<Key>::chosen_before(const L4Table& table, uint32_t listener, uint64_t hash,
                                              Tick now) const {
  const Listener& of = table.listener(listener);
  if (of.before.maglev == nullptr || now.since(of.changed_at) > L4Table::kHandoverTicks) return nullptr;
  return stateless_choice(table, listener, of.before, hash);
}

// Steps around targets that take none (masked) or not all (slow start) of what falls to them, in an order of
// the flow's own, so that a dead target's flows spread over all the others by weight and those of living
// targets stay. The Maglev table need not be rebuilt for that. Null where all of the choice are masked.
template <ClientKey Key>
const Target* FlowChooser<Key>::usable_of(const L4Table& table, uint32_t listener, const Choice& choice,
                                          uint64_t hash) const {
  for (unsigned step = 0; step < limits::kMaskedStepsMax; ++step) {
    hash = hash * 0xd1342543de82ef95 + 0x9e3779b97f4a7c15;
    const Target* other = stateless_choice(table, listener, choice, hash ^ hash >> 29);
    if (other != nullptr && mask_->takes(other->id, hash)) return other;
  }
  // From a place of the flow's own: not all of them to whoever is first.
  const std::size_t count = choice.ids.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (hash % count + i) % count;
    const Target* other = table.target_of_id(choice.ids[at], listener);
    if (other != nullptr && choice.maglev->members()[at].weight > 0 && !mask_->masked(other->id))
      return other;
  }
  return nullptr;
}

// Where all are down, of every priority, the first choice stands, if the listener would have them tried: a
// replica's socket is headgate-node's and queues while it is replaced.
template <ClientKey Key>
const Target* FlowChooser<Key>::usable(const L4Table& table, uint32_t listener, const Target* first,
                                       uint64_t hash) const {
  if (first != nullptr && mask_->takes(first->id, hash)) return first;
  const Listener& of = table.listener(listener);
  if (const Target* other = usable_of(table, listener, of.now, hash)) return other;
  for (const Choice& backup : of.backups)
    if (const Target* other = usable_of(table, listener, backup, hash)) return other;
  if (!of.tries_all_down || first != nullptr) return of.tries_all_down ? first : nullptr;
  for (const Choice& backup : of.backups)
    if (const Target* other = stateless_choice(table, listener, backup, hash)) return other;
  return nullptr;
}

// What a flow's target is chosen by, and found again by.
template <ClientKey Key>
uint64_t FlowChooser<Key>::chosen_by(const Listener& listener, const Key& key, uint64_t hash) const {
  return listener.balance == contract::FlowBalance::kSource ? hash_source(key.src) : hash;
}

// In turns a new flow goes to wherever the next of Maglev's slots leads, of which each target has its share;
// by steps of the golden ratio, so that the turns of one target are spread evenly.
template <ClientKey Key>
uint64_t FlowChooser<Key>::hash_of_turn(uint64_t turn) {
  constexpr uint64_t kGoldenRatio = 0x9e3779b97f4a7c15;
  return turn * kGoldenRatio;
}

template <ClientKey Key>
const Target* FlowChooser<Key>::choose_anew(const L4Table& table, uint32_t listener, const Key& key,
                                            uint64_t hash, FlowSignal signal, Tick now, FlowEntry* entry) {
  const auto foreign = foreign_to(table, listener);
  if (entry != nullptr && foreign(*entry)) {
    entry = flows_.find_own(key, hash, now, foreign);
    const Target* target = entry == nullptr ? nullptr : known(table, listener, *entry, signal, now);
    if (target != nullptr) return target;
  }
  const Listener& of = table.listener(listener);
  const uint64_t by = chosen_by(of, key, hash);
  const bool opens = opens_flow(signal);
  const bool is_new = opens || is_datagram(signal);
  const bool in_turn = of.balance == contract::FlowBalance::kRoundRobin;
  const Target* first =
      stateless_choice(table, listener, of.now, in_turn && is_new ? hash_of_turn(++turn_) : by);
  const Target* before = chosen_before(table, listener, by, now);
  // Not opened now, so opened earlier, and not remembered: by Maglev alone. If the targets have changed
  // since, by the Maglev of before; what has been opened after the change and goes elsewhere is remembered.
  const Target* target = is_new ? usable(table, listener, first, by) : before != nullptr ? before : first;
  if (target == nullptr) return nullptr;
  const bool ends = (signal & (kTcpFin | kTcpRst)) != 0;
  const bool found_again = !in_turn && target == first && (before == nullptr || before == first);
  if (ends || (signal & (kTcpSyn | kTcpAck)) == (kTcpSyn | kTcpAck) ||
      (opens && found_again && entry == nullptr))
    return target;
  const FlowEntry value(target->id, FlowState::kNew, now);
  ++counts_.remembered;
  if (entry != nullptr)
    *entry = value;
  else if (flows_.insert(key, hash, value, now, foreign) == FlowTable<Key>::Insert::kEvicted)
    ++counts_.evicted;
  return target;
}

template <ClientKey Key>
const Target* FlowChooser<Key>::look_up(const L4Table& table, uint32_t listener, const Key& key,
                                        uint64_t hash, Tick now) {
  if (const FlowEntry* entry = flows_.find_own(key, hash, now, foreign_to(table, listener))) {
    const Target* target = table.target_of_id(entry->target_id(), listener);
    if (target != nullptr) return target;
  }
  const Listener& of = table.listener(listener);
  const uint64_t by = chosen_by(of, key, hash);
  const Target* before = chosen_before(table, listener, by, now);
  return before != nullptr ? before : stateless_choice(table, listener, of.now, by);
}

template <ClientKey Key>
FlowAnswer FlowChooser<Key>::explain(const L4Table& table, uint32_t listener, const Key& key, uint64_t hash,
                                     FlowSignal signal, Tick now) {
  if (const FlowEntry* entry = flows_.find_own(key, hash, now, foreign_to(table, listener))) {
    const Target* target = table.target_of_id(entry->target_id(), listener);
    const bool leaves = target != nullptr && is_datagram(signal) && mask_->masked(target->id);
    if (target != nullptr && !leaves) return {ChosenBy::kFlowTable, true, target->id};
  }
  const Listener& of = table.listener(listener);
  const uint64_t by = chosen_by(of, key, hash);
  const bool in_turn = of.balance == contract::FlowBalance::kRoundRobin;
  const Target* first = stateless_choice(table, listener, of.now, in_turn ? hash_of_turn(turn_ + 1) : by);
  const Target* target = usable(table, listener, first, by);
  if (target == nullptr) return {ChosenBy::kNobody, true, 0};
  if (target != first) return {ChosenBy::kSteppedAround, true, target->id};
  return {in_turn ? ChosenBy::kTurn : ChosenBy::kMaglev, true, target->id};
}

template class FlowChooser<ClientKeyV4>;
template class FlowChooser<ClientKeyV6>;

}  // namespace headgate::l4
