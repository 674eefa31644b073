// SPDX-License-Identifier: Apache-2.0
// ProcessTable: the processes of this machine and their sockets, kept as the plan says: started, adopted,
// replaced without a gap, stopped. Thread: the node's loop. Outlived by the loop, the supervisor and the
// snapshot.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dataplane/contract/node_api.hpp"
#include "dataplane/node/process.hpp"
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
  // A replica that is no longer wanted, until l4 sends nothing to it any more: its sockets stay open so long.
  struct Leaving {
    std::unique_ptr<Process> process;
    contract::Revision revision = 0;  // the first without it
    bool settled = false;             // l4 has it; what it sent before is still on its way
    EventLoop::Timer timer;
  };
  void leave(const std::string& name, std::unique_ptr<Process> process);
  void settle_leaving();
  void part(std::string name);
  void forget(const std::string& name);
  // Opens and hands over what a process should listen on.
  void update_sockets(Process& process);
  void drop_unused_hops();
  // Of what is held back from a process until its hop's peers have acknowledged `revision`.
  struct Hold {
    contract::Revision revision = 0;
    std::set<std::string> peers;
    TimePoint release_by{};
    bool settled = false;  // they have; what they sent before is still on its way
    EventLoop::Timer timer;
  };
  void hold(const std::string& name, contract::Revision revision);
  void settle_holds();
  void release(std::string name);
  bool peers_have(const std::set<std::string>& shards, contract::Revision revision) const;
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
  std::map<std::string, Hold> holds_;                        // by process name
  std::map<std::string, EventLoop::Timer> sockets_awaited_;  // of adopted replicas, until they give them back
  std::map<std::string, std::unique_ptr<Process>> current_;
  std::map<std::string, std::unique_ptr<Process>> outgoing_;  // serve until their successor does
  std::map<std::string, Leaving> leaving_;                    // serve until nothing comes any more
  std::vector<std::unique_ptr<Process>> retiring_;            // told to stop
  std::function<void()> on_stopped_;
  EventLoop::Timer sweep_timer_;
  std::vector<Process*> ended_;  // swept outside of their own callbacks
};

}  // namespace headgate::node
