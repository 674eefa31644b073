// SPDX-License-Identifier: Apache-2.0
// ProcessTable: the processes of this machine and their sockets, kept as the plan says: started, adopted,
// replaced without a gap, stopped. Thread: the node's loop. Outlived by the loop, the supervisor and the
// snapshot.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dataplane/contract/node_api.hpp"
#include "dataplane/node/process.hpp"
#include "dataplane/node/rolling_restart.hpp"
#include "dataplane/node/sender_wait.hpp"
#include "dataplane/node/socket_table.hpp"

namespace headgate::node {

class ProcessTable {
 public:
  struct Callbacks {
    std::function<void()> on_change;
    std::function<void(contract::CommandResult)> on_result;
  };
  struct Wanted {
    ProcessSpec spec;
    std::vector<contract::Socket> sockets;  // sorted
    std::set<std::string> hop_peers = {};   // the shards that pass requests on to it
    friend bool operator==(const Wanted&, const Wanted&) = default;
  };

  ProcessTable(Process::Surroundings surroundings, std::filesystem::path hop_directory,
               contract::Millis drain_timeout, Callbacks callbacks);

  // By process name. Starts, adopts, replaces and stops until it is so.
  void want(std::map<std::string, Wanted> wanted);
  // Once, after the first want(): what an earlier headgate-node left running and nobody wants is stopped.
  void stop_orphans();
  // Stops everything: the replicas first, l4 when the last of them is gone; `on_stopped` then.
  void stop_all(std::function<void()> on_stopped);

  // Opens the hop sockets of these shards that are not open: before on_delta() tells others of them.
  void prepare_hops(const std::set<std::string>& shards);
  // Told to every process that it concerns, at once; but a shard on a hop loses nothing before the shards
  // that pass requests on to it have stopped doing so.
  void on_delta(const contract::Delta& delta);
  void on_secrets(const SecretStore::Digests& digests);
  // `health_of`: what a process should know.
  void set_health(const std::function<contract::HealthView(const std::string& process)>& health_of);
  void send_command(const contract::AddressedCommand& command);
  // Starts again: a replica beside the old one, which then drains; l4, whose ports only one can hold, after
  // it.
  Result<void> restart(const std::string& process);
  // Of a replica whose successor does not serve yet: the successor goes, it stays.
  void put_back(const std::string& process);
  ReplicaSight sight_of(const std::string& process) const;

  bool serving(const std::string& process) const;
  bool can_serve(const std::string& process) const;  // it, or the one that it is about to replace
  // The revision that every process serves; `node_revision` where there is none.
  contract::Revision applied(contract::Revision node_revision) const;
  std::string refused_reason() const;  // the first process's that refuses, with its name
  std::vector<contract::ProcessStatus> statuses() const;
  std::vector<contract::ProcessStats> stats() const;
  // Why sockets could not be opened, by process; retried with every want().
  const std::map<std::string, std::string>& socket_faults() const { return socket_faults_; }

 private:
  std::unique_ptr<Process> make(const ProcessSpec& spec);
  void bring_up(const std::string& name, const Wanted& wanted);
  void replace(const std::string& name);
  void retire(std::unique_ptr<Process> process);
  // Each that serves or is to serve; one that leaves still does.
  void each(const std::function<void(const std::string& name, Process& process)>& visit);
  // Ends where nobody sends to it any more; its sockets stay open so long.
  void leave(const std::string& name, std::unique_ptr<Process> process);
  void forget(const std::string& name);
  // Opens and hands over what a process should listen on.
  void update_sockets(Process& process);
  void drop_unused_hops();
  // A process that is not told what it loses, or is no longer wanted, until its senders know.
  struct Wait {
    SenderWait until;
    std::set<std::string> senders;     // audiences
    std::unique_ptr<Process> leaving;  // null: it stays
    EventLoop::Timer timer;
  };
  Wait& wait_for(const std::string& name, std::set<std::string> senders, contract::Revision revision);
  void look_at_waits();
  void set_timer(const std::string& name, Wait& wait);
  void end_wait(std::string name);
  std::optional<contract::Revision> acknowledged_by(const std::set<std::string>& audiences) const;
  void on_process_change();
  void on_connected(Process& process);
  void on_sockets(Process& process, const contract::SocketSet& set, std::vector<UniqueFd> fds);
  void on_ended(Process& process);
  void sweep();

  Process::Surroundings surroundings_;
  contract::Millis drain_timeout_;
  Callbacks callbacks_;
  SocketTable sockets_;
  std::map<std::string, std::string> socket_faults_;
  std::map<std::string, Wanted> wanted_;
  std::map<std::string, Wait> waits_;                        // by process name
  std::map<std::string, EventLoop::Timer> sockets_awaited_;  // of adopted replicas, until they give them back
  std::map<std::string, std::unique_ptr<Process>> current_;
  std::map<std::string, std::unique_ptr<Process>> outgoing_;  // serve until their successor does
  std::vector<std::unique_ptr<Process>> retiring_;            // told to stop
  std::function<void()> on_stopped_;
  EventLoop::Timer sweep_timer_;
  std::vector<Process*> ended_;  // swept outside of their own callbacks
};

}  // namespace headgate::node
