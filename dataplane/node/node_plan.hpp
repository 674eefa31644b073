// SPDX-License-Identifier: Apache-2.0
// NodePlan: what this machine must run and own, read out of a snapshot: processes, listening sockets,
// addresses. Pure; any thread. The acting parts (ProcessTable, SocketTable, Network) make it so.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/message.hpp"
#include "dataplane/contract/snapshot.hpp"

namespace headgate::node {

inline constexpr std::string_view kProcessL4 = "l4";

// One headgate-shard process: replica `index` of a shard.
struct ReplicaPlan {
  std::string shard;
  std::string audience;
  uint32_t index = 0;
  uint32_t threads = 1;
  uint32_t user_number = 0;
  uint64_t memory_max_bytes = 0;
  uint32_t connections_max = 0;
  std::vector<contract::Socket> sockets;  // sorted by (listener, bound, thread, hop)
  std::set<std::string> hop_peers;        // the shards that pass requests on to it

  friend bool operator==(const ReplicaPlan&, const ReplicaPlan&) = default;
};

struct NodePlan {
  std::map<std::string, ReplicaPlan> replicas;           // by process name, "shard/edge/0"
  std::map<std::string, std::set<Endpoint>> l4_targets;  // by L4Target::name: where l4 sends its flows
  std::set<IpAddress> vips;                              // what l4 takes packets for
  std::set<IpAddress> local_addresses;                   // what the local ports are on
};

// What l4 should know of the replicas: which of them cannot serve now, while another of their shard can.
// Where none can, none is named: their sockets are open, and a connection that waits is better than a refused
// one.
contract::HealthView replica_health(const NodePlan& plan,
                                    const std::function<bool(const std::string& process)>& can_serve);

NodePlan plan_of(const contract::Snapshot& snapshot);
std::set<std::string> shards_of(const NodePlan& plan);
std::set<std::string> shards_with_hop(const NodePlan& plan);

std::string replica_process_name(std::string_view shard, uint32_t index);
// "l4" or "shard/NAME" of "shard/NAME/0": whose objects a process gets.
std::string audience_of_process(std::string_view process);
// A process's name as a file name, "shard-edge-0", and back; empty where it is none.
std::string file_name_of_process(std::string_view process);
std::string process_of_file_name(std::string_view file_name);

}  // namespace headgate::node
