// SPDX-License-Identifier: Apache-2.0
// ProcessTable: the order in which processes are told, and what waits for it.
#include <algorithm>
#include <utility>

#include "dataplane/node/node_plan.hpp"
#include "dataplane/node/process_table.hpp"

namespace headgate::node {
namespace {

// Who sends to a process what this part of a delta takes from it: the audiences that must know of it first.
std::set<std::string> senders_that_must_know(const ProcessTable::Wanted& wanted,
                                             const contract::Delta& part) {
  std::set<std::string> senders;
  if (part.removals.empty()) return senders;
  for (const auto& peer : wanted.hop_peers) senders.insert(contract::audience_of_shard(peer));
  // With its settings a shard loses all: it leaves this node.
  if (std::any_of(part.removals.begin(), part.removals.end(),
                  [](const auto& key) { return key.kind == contract::Kind::kShardSettings; }))
    senders.insert(std::string(contract::kAudienceL4));
  return senders;
}

}  // namespace

void ProcessTable::prepare_hops(const std::set<std::string>& shards) { sockets_.prepare_hops(shards); }

void ProcessTable::on_delta(const contract::Delta& delta) {
  for (const auto& [name, want] : wanted_) {
    if (delta.base == 0 || name == kProcessL4) continue;
    auto senders = senders_that_must_know(want, contract::filter(delta, audience_of_process(name)));
    if (senders.empty()) continue;
    wait_for(name, std::move(senders), delta.revision);
    each([&](const std::string& held, Process& process) {
      if (held == name) process.hold();
    });
  }
  each([&](const std::string&, Process& process) { process.on_delta(delta); });
  look_at_waits();
}

ProcessTable::Wait& ProcessTable::wait_for(const std::string& name, std::set<std::string> senders,
                                           contract::Revision revision) {
  const auto [place, is_new] =
      waits_.try_emplace(name, Wait{SenderWait(revision, surroundings_.loop.now()), {}, nullptr, {}});
  Wait& wait = place->second;
  if (!is_new) wait.until.prolong(revision);
  wait.senders.merge(senders);
  set_timer(name, wait);
  return wait;
}

void ProcessTable::set_timer(const std::string& name, Wait& wait) {
  const Duration left = std::max(wait.until.over_at() - surroundings_.loop.now(), Duration::zero());
  wait.timer = surroundings_.loop.after(left, [this, name] { end_wait(name); });
}

// What all of them have acknowledged; nothing where none of them is there. One that is not connected is told
// everything when it is.
std::optional<contract::Revision> ProcessTable::acknowledged_by(
    const std::set<std::string>& audiences) const {
  std::optional<contract::Revision> least;
  for (const auto& [name, process] : current_)
    if (process->connected() && audiences.contains(audience_of_process(name)))
      least = std::min(least.value_or(process->applied()), process->applied());
  return least;
}

void ProcessTable::look_at_waits() {
  for (auto& [name, wait] : waits_) {
    const auto before = wait.until.over_at();
    wait.until.on_acknowledged(acknowledged_by(wait.senders).value_or(surroundings_.snapshot.revision),
                               surroundings_.loop.now());
    if (wait.until.over_at() != before) set_timer(name, wait);
  }
}

void ProcessTable::end_wait(std::string name) {  // a copy: it may come from the timer that ends here
  auto leaving = std::move(waits_.at(name).leaving);
  waits_.erase(name);
  if (leaving) {
    forget(name);
    retire(std::move(leaving));
  } else {
    each([&](const std::string& held, Process& process) {
      if (held == name) process.release();
    });
    if (const auto found = current_.find(name); found != current_.end()) update_sockets(*found->second);
  }
  drop_unused_hops();
}

void ProcessTable::leave(const std::string& name, std::unique_ptr<Process> process) {
  const std::set<std::string> senders{std::string(contract::kAudienceL4)};
  const bool has_senders = waits_.contains(name) || acknowledged_by(senders);
  if (name != kProcessL4 && has_senders) {
    wait_for(name, senders, surroundings_.snapshot.revision).leaving = std::move(process);
    return;
  }
  forget(name);
  retire(std::move(process));
}

}  // namespace headgate::node
