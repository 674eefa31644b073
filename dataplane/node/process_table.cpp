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
  if (outgoing_.contains(name) || !before->lives()) {
    // It serves nobody. Where it was itself to take over from another, that one stays.
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

void ProcessTable::put_back(const std::string& process) {
  auto serving = outgoing_.extract(process);
  if (!serving) return;
  auto successor = std::exchange(current_.at(process), std::move(serving.mapped()));
  retire(std::move(successor));
  current_.at(process)->step_back();
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

ReplicaSight ProcessTable::sight_of(const std::string& process) const {
  const auto found = current_.find(process);
  if (found == current_.end()) return ReplicaSight::kGone;
  if (found->second->crash_loops()) return ReplicaSight::kCrashLoops;
  if (!found->second->serving() || outgoing_.contains(process)) return ReplicaSight::kComes;
  const bool finishes = std::any_of(retiring_.begin(), retiring_.end(), [&](const auto& retiring) {
    return retiring->spec().process == process;
  });
  return finishes ? ReplicaSight::kFinishes : ReplicaSight::kServes;
}

// Of one that is being replaced, what the old process serves counts until the new one does.
contract::Revision ProcessTable::applied(contract::Revision node_revision) const {
  for (const auto& [name, process] : current_) {
    const auto before = outgoing_.find(name);
    const auto served = before == outgoing_.end() ? process->applied() : before->second->applied();
    node_revision = std::min(node_revision, served);
  }
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
