// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/node_plan.hpp"

#include <algorithm>
#include <tuple>

#include "dataplane/core/limits.hpp"

namespace headgate::node {
namespace {

using contract::ListenSocket;
using contract::NodeSettings;
using contract::ReplicaGroup;
using contract::Socket;

constexpr std::string_view kShardPrefix = "shard/";
constexpr std::string_view kShardFilePrefix = "shard-";

template <typename T, typename Visit>
void for_each(const contract::Snapshot& snapshot, std::string_view audience, const Visit& visit) {
  for (auto entry = snapshot.objects.lower_bound({std::string(audience), contract::Kind{}, {}});
       entry != snapshot.objects.end() && entry->first.audience == audience; ++entry)
    if (const auto* object = std::get_if<T>(entry->second.get())) visit(*object);
}

std::vector<Socket> sockets_of(const ReplicaGroup& group, uint32_t index, const NodeSettings& settings) {
  std::vector<Socket> sockets;
  for (const ListenSocket& listen : group.sockets) {
    const Endpoint listener{listen.address, listen.port};
    for (uint32_t thread = 0; thread < group.threads; ++thread) {
      sockets.push_back({listener, listener, thread, false});
      if (index >= listen.local_ports.size()) continue;
      const auto& local = listen.address.is_v4() ? settings.local_address_v4 : settings.local_address_v6;
      if (!local.is_unspecified())
        sockets.push_back({listener, {local, listen.local_ports[index]}, thread, false});
    }
  }
  if (!group.hop_peers.empty()) sockets.push_back({.listener = {}, .bound = {}, .thread = 0, .hop = true});
  std::sort(sockets.begin(), sockets.end(), [](const Socket& a, const Socket& b) {
    return std::tie(a.listener, a.bound, a.thread, a.hop) < std::tie(b.listener, b.bound, b.thread, b.hop);
  });
  return sockets;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

NodePlan plan_of(const contract::Snapshot& snapshot) {
  NodePlan plan;
  NodeSettings settings;
  for_each<NodeSettings>(snapshot, contract::kAudienceNode, [&](const NodeSettings& found) {
    settings = found;
    for (const auto& local : {found.local_address_v4, found.local_address_v6})
      if (!local.is_unspecified()) plan.local_addresses.insert(local);
  });
  for_each<ReplicaGroup>(snapshot, contract::kAudienceNode, [&](const ReplicaGroup& group) {
    std::set<std::string> hop_peers;
    for (const auto& peer : group.hop_peers) hop_peers.insert(peer.shard);
    for (uint32_t index = 0; index < std::min(group.replicas, limits::kReplicasPerNodeMax); ++index) {
      ReplicaPlan replica{.shard = group.shard,
                          .audience = contract::audience_of_shard(group.shard),
                          .index = index,
                          .threads = std::clamp(group.threads, 1u, limits::kThreadsPerReplicaMax),
                          .user_number = group.user_number,
                          .memory_max_bytes = group.memory_max_bytes,
                          .connections_max = group.connections_max,
                          .sockets = sockets_of(group, index, settings),
                          .hop_peers = hop_peers};
      plan.replicas.emplace(replica_process_name(group.shard, index), std::move(replica));
    }
  });
  for_each<contract::L4Listener>(snapshot, contract::kAudienceL4, [&](const contract::L4Listener& listener) {
    plan.vips.insert(listener.address);
    if (listener.forwarding != contract::Forwarding::kLocal) return;
    for (const auto& target : listener.targets)
      plan.l4_targets[target.name].insert({target.address, target.port});
  });
  return plan;
}

std::set<std::string> shards_of(const NodePlan& plan) {
  std::set<std::string> shards;
  for (const auto& [process, replica] : plan.replicas) shards.insert(replica.shard);
  return shards;
}

std::set<std::string> shards_with_hop(const NodePlan& plan) {
  std::set<std::string> shards;
  for (const auto& [process, replica] : plan.replicas)
    if (!replica.hop_peers.empty()) shards.insert(replica.shard);
  return shards;
}

contract::HealthView replica_health(const NodePlan& plan,
                                    const std::function<bool(const std::string& process)>& can_serve) {
  std::set<std::string> shards_served;
  for (const auto& [process, replica] : plan.replicas)
    if (can_serve(process)) shards_served.insert(replica.shard);
  contract::HealthView view;
  for (const auto& [process, replica] : plan.replicas) {
    const auto name = process.substr(kShardPrefix.size());
    const auto target = plan.l4_targets.find(name);
    if (target == plan.l4_targets.end()) continue;
    const bool usable = can_serve(process) || !shards_served.contains(replica.shard);
    contract::MemberHealth member{{contract::kHealthGroupL4, name}, {}};
    for (const auto& endpoint : target->second)
      member.endpoints.push_back({endpoint, usable, usable ? "" : "the replica does not run"});
    view.emplace(member.key, std::move(member));
  }
  return view;
}

std::string replica_process_name(std::string_view shard, uint32_t index) {
  return std::string(kShardPrefix).append(shard).append("/").append(std::to_string(index));
}

std::string audience_of_process(std::string_view process) {
  return std::string(process.starts_with(kShardPrefix) ? process.substr(0, process.rfind('/')) : process);
}

std::string file_name_of_process(std::string_view process) {
  std::string name(process);
  std::replace(name.begin(), name.end(), '/', '-');
  return name;
}

std::string process_of_file_name(std::string_view file_name) {
  if (file_name == kProcessL4) return std::string(kProcessL4);
  // A shard's name may hold dashes, a replica's index cannot: the last dash parts them.
  const auto dash = file_name.rfind('-');
  if (!file_name.starts_with(kShardFilePrefix) || dash == std::string_view::npos) return {};
  if (dash <= kShardFilePrefix.size() || !is_number(file_name.substr(dash + 1))) return {};
  return std::string(kShardPrefix)
      .append(file_name.substr(kShardFilePrefix.size(), dash - kShardFilePrefix.size()))
      .append("/")
      .append(file_name.substr(dash + 1));
}

}  // namespace headgate::node
