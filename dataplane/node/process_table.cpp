// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/process_table.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/node/node_plan.hpp"

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

ProcessTable::ProcessTable(Process::Surroundings surroundings, std::filesystem::path hop_directory,
                           contract::Millis drain_timeout, Callbacks callbacks)
    : surroundings_(std::move(surroundings)),
      drain_timeout_(drain_timeout),
      callbacks_(std::move(callbacks)),
      sockets_(std::move(hop_directory)) {}

std::unique_ptr<Process> ProcessTable::make(const ProcessSpec& spec) {
  return std::make_unique<Process>(
      surroundings_, spec,
      Process::Callbacks{
          .on_change = [this] { on_process_change(); },
          .on_connected = [this](Process& process) { on_connected(process); },
          .on_sockets = [this](Process& process, const contract::SocketSet& set,
                               std::vector<UniqueFd> fds) { on_sockets(process, set, std::move(fds)); },
          .on_result = [this](contract::CommandResult result) { callbacks_.on_result(std::move(result)); },
          .on_ended = [this](Process& process) { on_ended(process); }});
}

// --- as the plan says --------------------------------------------------------------------------------------

void ProcessTable::want(std::map<std::string, Wanted> wanted) {
  if (on_stopped_) return;
  wanted_ = std::move(wanted);
  for (const auto& [name, want] : wanted_)
    if (const auto wait = waits_.find(name); wait != waits_.end() && wait->second.leaving)
      current_[name] = std::move(wait->second.leaving);
  for (auto entry = current_.begin(); entry != current_.end();) {
    if (wanted_.contains(entry->first)) {
      ++entry;
      continue;
    }
    auto unwanted = current_.extract(entry++);
    leave(unwanted.key(), std::move(unwanted.mapped()));
  }
  for (const auto& [name, want] : wanted_) {
    const auto found = current_.find(name);
    if (found == current_.end())
      bring_up(name, want);
    else if (found->second->spec() != want.spec)
      replace(name);
    else
      update_sockets(*found->second);
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

void ProcessTable::forget(const std::string& name) {
  sockets_.forget(name);
  socket_faults_.erase(name);
  sockets_awaited_.erase(name);
  waits_.erase(name);
}

// What an adopted replica has and has not given back yet is not unused.
void ProcessTable::drop_unused_hops() {
  if (sockets_awaited_.empty()) sockets_.drop_unused_hops();
}

void ProcessTable::bring_up(const std::string& name, const Wanted& wanted) {
  Process& process = *(current_[name] = make(wanted.spec));
  if (process.adopt()) {
    if (name == kProcessL4) return;  // has none
    // It has the sockets; opening others beside them would lose what is queued in its own.
    sockets_awaited_[name] = surroundings_.loop.after(limits::kHelloTimeout, [this, name] {
      sockets_awaited_.erase(name);
      if (const auto found = current_.find(name); found != current_.end()) update_sockets(*found->second);
      drop_unused_hops();
    });
    return;
  }
  update_sockets(process);  // first: connections queue while it starts
  process.start();
}

void ProcessTable::replace(const std::string& name) {
  // In its place first: what is told to stop says so at once, and the table is looked at.
  auto before = std::exchange(current_.at(name), make(wanted_.at(name).spec));
  if (outgoing_.contains(name)) {
    // The one that was to take over has not served yet: it goes, the one that serves stays.
    retire(std::move(before));
  } else {
    before->step_aside();
    outgoing_[name] = std::move(before);
  }
  Process& successor = *current_.at(name);
  update_sockets(successor);
  successor.start();
}

void ProcessTable::retire(std::unique_ptr<Process> process) {
  process->step_aside();
  retiring_.push_back(std::move(process));
  retiring_.back()->stop(drain_timeout_);
}

Result<void> ProcessTable::restart(const std::string& process) {
  const auto found = current_.find(process);
  if (found == current_.end()) return Error{ErrorCode::kNotFound, process + " does not run on this node"};
  if (process == kProcessL4)
    found->second->restart();
  else
    replace(process);
  return {};
}

void ProcessTable::stop_orphans() {
  std::set<std::string> known;
  for (const auto& [name, process] : current_) known.insert(file_name_of_process(name));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(surroundings_.run_directory, error)) {
    const auto& path = entry.path();
    if (path.extension() != ".sock" || known.contains(path.stem().string())) continue;
    // Its file's name stands for the process: which shard it was of no longer matters.
    auto orphan = make(ProcessSpec{.process = path.stem().string(),
                                   .program = {},
                                   .arguments = {},
                                   .user = {},
                                   .memory_max_bytes = 0,
                                   .fds_max = 0,
                                   .log_directory = {}});
    if (!orphan->adopt()) {
      std::filesystem::remove(path, error);
      std::filesystem::remove(std::filesystem::path(path).replace_extension(".pid"), error);
      continue;
    }
    log::info("stopping " + orphan->spec().process +
              ": an earlier headgate-node left it and nothing needs it");
    retiring_.push_back(std::move(orphan));
    retiring_.back()->stop(drain_timeout_);
  }
}

void ProcessTable::stop_all(std::function<void()> on_stopped) {
  on_stopped_ = std::move(on_stopped);
  for (auto& [name, wait] : std::exchange(waits_, {})) {
    if (!wait.leaving) continue;
    forget(name);
    retire(std::move(wait.leaving));
  }
  for (auto& [name, process] : std::exchange(outgoing_, {})) retire(std::move(process));
  for (auto entry = current_.begin(); entry != current_.end();) {
    if (entry->first == kProcessL4) {
      ++entry;
      continue;
    }
    forget(entry->first);
    retire(std::move(entry->second));
    entry = current_.erase(entry);
  }
  sockets_.drop_unused_hops();
  sweep_timer_ = surroundings_.loop.after(Duration::zero(), [this] { sweep(); });
}

// --- sockets -----------------------------------------------------------------------------------------------

void ProcessTable::update_sockets(Process& process) {
  const auto& name = process.spec().process;
  const auto wanted = wanted_.find(name);
  if (wanted == wanted_.end() || sockets_awaited_.contains(name)) return;
  auto sockets = wanted->second.sockets;
  // Held back, it still serves those who pass requests on to it.
  if (waits_.contains(name) && sockets_.has_hop(name) && wanted->second.hop_peers.empty())
    sockets.insert(sockets.begin(), contract::Socket{.listener = {}, .bound = {}, .thread = 0, .hop = true});
  const auto outcome = sockets_.want(name, sockets);
  socket_faults_.erase(name);
  if (!outcome.opened.ok()) socket_faults_[name] = outcome.opened.error().message;
  if (!outcome.changed || !process.connected()) return;
  const auto handover = sockets_.of(name);
  process.send_sockets(handover.set, handover.fds);
}

void ProcessTable::on_connected(Process& process) {
  const auto& name = process.spec().process;
  if (process.adopted() && sockets_awaited_.contains(name)) return process.ask_for_sockets();
  if (sockets_awaited_.erase(name) != 0)
    update_sockets(process);  // the adopted one died, this is its successor
  const auto handover = sockets_.of(name);
  if (!handover.set.sockets.empty()) process.send_sockets(handover.set, handover.fds);
}

void ProcessTable::on_sockets(Process& process, const contract::SocketSet& set, std::vector<UniqueFd> fds) {
  const auto& name = process.spec().process;
  if (sockets_awaited_.erase(name) == 0) return;  // unasked, or too late: ours are open already
  sockets_.adopt(name, set, std::move(fds));
  update_sockets(process);
  drop_unused_hops();
}

// --- the order they are told in ----------------------------------------------------------------------------

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

// --- what they do ------------------------------------------------------------------------------------------

void ProcessTable::on_process_change() {
  look_at_waits();
  for (auto entry = outgoing_.begin(); entry != outgoing_.end();) {
    if (!serving(entry->first)) {
      ++entry;
      continue;
    }
    retiring_.push_back(std::move(entry->second));
    entry = outgoing_.erase(entry);
    retiring_.back()->stop(drain_timeout_);
  }
  callbacks_.on_change();
}

void ProcessTable::on_ended(Process& process) {
  ended_.push_back(&process);
  sweep_timer_ = surroundings_.loop.after(Duration::zero(), [this] { sweep(); });
}

void ProcessTable::sweep() {
  for (const Process* gone : std::exchange(ended_, {}))
    std::erase_if(retiring_, [&](const auto& process) { return process.get() == gone; });
  callbacks_.on_change();
  if (!on_stopped_ || !retiring_.empty()) return;
  if (current_.empty()) return std::exchange(on_stopped_, [] {})();
  auto l4 = current_.extract(std::string(kProcessL4));
  retire(std::move(l4.mapped()));
}

// --- passed on ---------------------------------------------------------------------------------------------

void ProcessTable::each(const std::function<void(const std::string& name, Process& process)>& visit) {
  for (auto* processes : {&current_, &outgoing_})
    for (auto& [name, process] : *processes) visit(name, *process);
  for (auto& [name, wait] : waits_)
    if (wait.leaving) visit(name, *wait.leaving);
}

void ProcessTable::on_secrets(const SecretStore::Digests& digests) {
  each([&](const std::string&, Process& process) { process.on_secrets(digests); });
}

void ProcessTable::set_health(
    const std::function<contract::HealthView(const std::string& process)>& health_of) {
  each([&](const std::string& name, Process& process) { process.set_health(health_of(name)); });
}

void ProcessTable::send_command(const contract::AddressedCommand& command) {
  const auto found = current_.find(command.process);
  if (found == current_.end())
    return callbacks_.on_result({command.command.id, false, command.process + " does not run on this node"});
  found->second->send_command(command.command);
}

// --- what is known of them ---------------------------------------------------------------------------------

bool ProcessTable::serving(const std::string& process) const {
  const auto found = current_.find(process);
  return found != current_.end() && found->second->serving();
}

bool ProcessTable::can_serve(const std::string& process) const {
  const auto found = current_.find(process);
  const auto before = outgoing_.find(process);
  return (found != current_.end() && found->second->can_serve()) ||
         (before != outgoing_.end() && before->second->can_serve());
}

contract::Revision ProcessTable::applied(contract::Revision node_revision) const {
  for (const auto& [name, process] : current_) node_revision = std::min(node_revision, process->applied());
  return node_revision;
}

std::string ProcessTable::refused_reason() const {
  for (const auto& [name, process] : current_)
    if (const auto reason = process->status().refused_reason; !reason.empty()) return name + ": " + reason;
  return {};
}

std::vector<contract::ProcessStatus> ProcessTable::statuses() const {
  std::vector<contract::ProcessStatus> statuses;
  for (const auto& [name, process] : current_) statuses.push_back(process->status());
  return statuses;
}

std::vector<contract::ProcessStats> ProcessTable::stats() const {
  std::vector<contract::ProcessStats> stats;
  for (const auto& [name, process] : current_) stats.push_back({name, process->stats()});
  return stats;
}

}  // namespace headgate::node
