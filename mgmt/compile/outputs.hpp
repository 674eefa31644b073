// SPDX-License-Identifier: Apache-2.0
// Outputs: every node's snapshot, kept in step with the model. It remembers what it has compiled (which
// routes in which shard, which shard on which node), so that a change is applied as the difference between
// that and what the model says now. Shard contents are compiled once and shared by every node that runs the
// shard. Thread: its Compiler's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mgmt/compile/build.hpp"
#include "mgmt/compile/delta_log.hpp"

namespace headgate::compile {

class Outputs {
 public:
  // `changed`: what was put or removed since the last call. Afterwards every snapshot is at `revision`.
  // Returns the nodes whose snapshot differs, or that are new.
  std::vector<std::string> update(const Model& model, const Numbers& numbers, const Keys& changed,
                                  contract::Revision revision);

  const contract::Snapshot* snapshot(const std::string& node) const;
  std::optional<contract::Delta> delta_since(const std::string& node, contract::Revision base) const;

 private:
  // A null object: removed.
  using Edits = std::map<contract::ObjectKey, contract::ObjectPtr>;
  struct Placement {  // of a route
    RoutePlaces places;
    std::vector<db::ObjectKey> uses;  // used_by_route()
  };
  using Uses = std::map<db::ObjectKey, uint32_t>;
  struct Ending {  // of a listener
    std::string uid;
    std::string shard;
    std::vector<db::ObjectKey> uses;  // used_by_listener()
    friend bool operator==(const Ending&, const Ending&) = default;
  };
  struct Standing {  // of a policy
    std::string uid;
    std::vector<db::ObjectKey> targets;
    std::vector<contract::PolicyBlock> blocks;  // of which first tiers are told
    friend bool operator==(const Standing&, const Standing&) = default;
  };
  struct ShardOutput {
    Objects objects;                                        // audience shard/NAME
    std::map<db::ObjectKey, contract::ObjectKey> compiled;  // which resource is which of them
    std::map<std::string, Objects> on_node;                 // what else each node must know to run the shard
    Uses uses;       // by how many of its routes or listeners: what is in it by use
    Uses hop_peers;  // the shards that pass requests on to it, by how many routes
    Edits edits;     // of `objects`, in this update
  };
  // Of listeners that end on pools, the same for every ingress node.
  struct IngressOutput {
    std::map<db::ObjectKey, Objects> of_listener;
    std::map<contract::ObjectKey, uint32_t> uses;  // by how many listeners: two may share a pool
    Objects objects;
    std::set<std::string> nodes;
    Edits edits;  // of `objects`, in this update
  };
  struct NodeOutput {
    contract::Snapshot snapshot;
    DeltaLog log;
    Edits edits;  // in this update
    bool is_new = true;
  };
  // What must be looked at again: found from the changed resources, worked off after.
  struct Dirty {
    Keys routes;
    // Anything but a node or namespace, in a shard. A shard in itself: its settings; in another: the hop to
    // it.
    std::set<std::pair<std::string, db::ObjectKey>> in_shard;
    std::set<std::string> shards;  // settings, sockets, nodes
    Keys nodes;
    Keys pool_listeners;  // that end on a pool, or did
  };

  void find_dirty(const Model& model, const db::ObjectKey& key, Dirty& dirty);
  void find_dirty_shard(const Model& model, const db::ObjectKey& key, Dirty& dirty);
  void find_dirty_namespace(const Model& model, const db::ObjectKey& key, Dirty& dirty);
  void find_dirty_listener(const Model& model, const db::ObjectKey& key, Dirty& dirty);
  void find_dirty_policy(const Model& model, const db::ObjectKey& key, Dirty& dirty);
  void find_dirty_target(const Model& model, const db::ObjectKey& target, Dirty& dirty);
  // A pool, policy, certificate, secret, shard or listener, in a shard because a route or listener there uses
  // it.
  void find_dirty_used(const Model& model, const db::ObjectKey& key, Dirty& dirty);
  void find_dirty_trust(const Model& model, const db::ObjectKey& pool, Dirty& dirty);
  void place_route(const Model& model, const db::ObjectKey& key, Dirty& dirty);
  void put_there(const db::ObjectKey& route, const Placement& placement, Dirty& dirty);
  void take_away(const db::ObjectKey& route, const Placement& placement, Dirty& dirty);
  void use(const std::string& shard, const std::vector<db::ObjectKey>& keys, Dirty& dirty);
  void end_use(const std::string& shard, const std::vector<db::ObjectKey>& keys, Dirty& dirty);
  void add_peer(const std::string& shard, const std::string& peer, Dirty& dirty);
  void remove_peer(const std::string& shard, const std::string& peer, Dirty& dirty);
  void refresh_node(const Model& model, const db::ObjectKey& key, contract::Revision revision, Dirty& dirty);
  void refresh_in_shard(const Model& model, const Numbers& numbers, const std::string& shard,
                        const db::ObjectKey& key);
  bool is_wanted(const std::string& shard, const ShardOutput& output, const Entry& entry) const;
  contract::Object build_in_shard(const Model& model, const Numbers& numbers, const std::string& shard,
                                  const Entry& entry) const;
  HopPeers hop_peers(const Model& model, const Numbers& numbers, const std::string& shard) const;
  void refresh_shard(const Model& model, const Numbers& numbers, const std::string& name);
  void refresh_pool_listener(const Model& model, const Numbers& numbers, const db::ObjectKey& key);
  void refresh_ingress_node(const std::string& node, bool is_ingress);
  void put_on_node(const std::string& node, ShardOutput& output, Objects wanted);
  void take_off_node(const std::string& node, ShardOutput& output);
  void edit_node(const std::string& node, const contract::ObjectKey& key, contract::ObjectPtr object);
  std::vector<std::string> finish(contract::Revision revision);

  std::map<std::string, ShardOutput> shards_;
  IngressOutput ingress_;
  std::map<std::string, NodeOutput> nodes_;
  std::map<db::ObjectKey, Placement> routes_;
  std::map<db::ObjectKey, Ending> listeners_;
  std::map<db::ObjectKey, Standing> policies_;
  std::map<db::ObjectKey, std::string> used_uids_;  // of pools, certificates, secrets and shards
  std::map<db::ObjectKey, std::string> owners_;     // the shards that namespaces name
  std::map<db::ObjectKey, std::vector<db::ObjectKey>> pool_trust_;  // trust_of_pool(), where there is any
};

}  // namespace headgate::compile
