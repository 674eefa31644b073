// SPDX-License-Identifier: Apache-2.0
// Node: headgate-node itself: what comes from headgated becomes the node's snapshot, is kept on disk, and is
// made so by the parts that own processes, sockets, addresses and health. It decides nothing that they can
// decide alone. Thread: the node's loop.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/node_api.hpp"
#include "dataplane/contract/snapshot.hpp"
#include "dataplane/node/health/health_monitor.hpp"
#include "dataplane/node/management_link.hpp"
#include "dataplane/node/network.hpp"
#include "dataplane/node/node_plan.hpp"
#include "dataplane/node/process_table.hpp"
#include "dataplane/node/secret_store.hpp"
#include "dataplane/node/shard_restarts.hpp"
#include "dataplane/node/state_store.hpp"

namespace headgate::node {

struct NodeOptions {
  ManagementLink::Options management;
  std::filesystem::path state_directory;
  std::filesystem::path run_directory;
  std::filesystem::path program_directory;
  std::filesystem::path log_directory;  // empty: the replicas log to stderr only
  std::optional<uid_t> shard_uid_base;  // none: the replicas run as this process (which is not root)
  contract::Millis drain_timeout{10'000};
  std::string log_level;
  std::vector<std::string> l4_arguments;  // empty: no l4 on this node
  std::optional<NetworkOptions> network;  // with l4 only
};

class Node {
 public:
  Node(EventLoop& loop, Supervisor& supervisor, NodeOptions options);

  // Takes the uplink, loads the last good state and serves it; then asks headgated.
  Result<void> start();
  // Stops every process and gives the network back; `on_stopped` then.
  void stop(std::function<void()> on_stopped);

 private:
  void on_update(contract::NodeUpdate update);
  void on_delta(const contract::Delta& delta);
  void on_command(const contract::AddressedCommand& command);
  Result<void> restart(const std::string& process);
  void on_reported(const contract::NodeReport& report);
  void on_secrets(const contract::Secrets& secrets);
  SecretStore::Digests secrets_missing(const contract::NodeUpdate& update) const;
  void fetch_missing_secrets();
  void watch_secrets();
  contract::NodeReport make_report(bool with_stats) const;
  void reconcile();
  void hand_out_health();
  void on_process_change();
  std::map<std::string, ProcessTable::Wanted> wanted_processes() const;
  ProcessSpec replica_spec(const std::string& name, const ReplicaPlan& replica) const;

  EventLoop& loop_;
  NodeOptions options_;
  StateStore store_;
  SecretStore secrets_;
  contract::Snapshot snapshot_;
  SecretStore::Digests secrets_named_;  // by it
  bool full_wanted_ = false;            // a delta did not fit: ask for all of it
  NodePlan plan_;
  std::unique_ptr<Network> network_;               // null: no uplink
  std::optional<contract::Revision> fault_since_;  // from this one on something could not be had
  ProcessTable processes_;
  ShardRestarts restarts_;
  HealthMonitor health_;
  ManagementLink link_;
  std::vector<contract::CommandResult> results_;  // not reported yet
  std::map<std::string, contract::Notice> notices_;
  EventLoop::Timer reconcile_timer_, health_timer_, secrets_timer_;
};

}  // namespace headgate::node
