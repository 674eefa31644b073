// SPDX-License-Identifier: Apache-2.0
// One compiled object from what is configured: the only place that says how a resource looks to a data plane.
// compile_all() and the Compiler differ in when they call these, never in what comes out. Robust against
// references that lead nowhere: they compile to what serves nobody. Pure; any thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/contract/snapshot.hpp"
#include "db/store/allocation.hpp"
#include "mgmt/compile/model.hpp"

namespace headgate::compile {

using Numbers = std::map<db::AllocationKey, uint32_t>;
using Objects = std::map<contract::ObjectKey, contract::ObjectPtr>;

contract::ObjectPtr frozen(contract::Object object);

// The numbers that a shard needs: its user; a local port and a target id an endpoint and replica. Those of a
// listener that ends on a pool: a target id a backend.
std::vector<db::AllocationKey> required_allocations(const Model& model, const Entry& entry);

// Which shards know a route. Where its namespace names a shard, that one serves it, whichever shards its
// listeners end on: those pass it on over the derived hop (DESIGN section 1).
struct RoutePlaces {
  std::vector<std::string> serving;          // with what it needs; sorted
  std::vector<std::string> passing_on;       // to serving[0]; sorted
  std::vector<db::ObjectKey> hop_listeners;  // those of `passing_on`, of which serving[0] has copies
};
RoutePlaces places_of_route(const Model& model, const Entry& route);
// What the shards that serve a route must know beside it: its pools and their trust, the
// policies above it. Sorted.
std::vector<db::ObjectKey> used_by_route(const Model& model, const Entry& route);

// Of shards by their names, those that exist.
using HopPeers = std::vector<contract::HopPeer>;
HopPeers build_hop_peers(const Model& model, const Numbers& numbers, const std::set<std::string>& shards);

contract::Object build_node_settings(const Entry& node);
contract::Object build_shard_settings(const Model& model, const Entry& shard, HopPeers hop_peers);
// For one shard: the listener itself where it ends there, else the copy that the hop leads to, without TLS,
// which has ended before.
contract::Object build_listener(const Model& model, const Entry& listener, const std::string& shard);
// For one shard that serves it, or that passes it on.
contract::Object build_route(const Model& model, const Entry& route, const std::string& shard);
contract::Object build_hop_pool(const Entry& to_shard);
// A pool, policy, certificate or secret, which are the same wherever they are used.
contract::Object build_used(const Model& model, const Entry& used);
contract::Kind kind_of_used(db::Kind kind);

// What a node must know to run the shard: its replicas for headgate-node, its addresses for headgate-l4.
Objects build_shard_on_node(const Model& model, const Entry& shard, const Entry& node, const Numbers& numbers,
                            const HopPeers& hop_peers);
// What every ingress node must know of a listener that ends on a pool: the listener for headgate-l4, and the
// pool, which headgate-node probes. Nothing where the pool is missing.
Objects build_pool_listener(const Model& model, const Entry& listener, const Numbers& numbers);
// What the shard that a listener ends on must know beside it, if it exists: the certificates that it shows,
// the secrets with authorities that it believes, the policies above it. Sorted.
std::vector<db::ObjectKey> used_by_listener(const Model& model, const Entry& listener);

// The policies above a listener in a shard, or above a route, outermost first (policy_list.hpp of l7/policy);
// of one level the oldest first, then by name.
std::vector<const Entry*> policies_of_listener(const Model& model, const Entry& listener,
                                               const std::string& shard);
std::vector<const Entry*> policies_of_route(const Model& model, const Entry& route);
// The certificate that it shows to its backends and the secret with the authorities that it believes, if they
// exist; sorted.
std::vector<db::ObjectKey> trust_of_pool(const Model& model, const Entry& pool);

contract::ObjectKey key_in_shard(const std::string& shard, contract::Kind kind, const Entry& entry);
contract::ObjectKey key_of_hop_pool(const std::string& shard, const Entry& to_shard);
contract::ObjectKey key_of_node_settings(const Entry& node);

}  // namespace headgate::compile
