// SPDX-License-Identifier: Apache-2.0
// One compiled object from what is configured: the only place that says how a resource looks to a data plane.
// compile_all() and the Compiler differ in when they call these, never in what comes out. Robust against
// references that lead nowhere: they compile to what serves nobody. Pure; any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/contract/snapshot.hpp"
#include "db/store/allocation.hpp"
#include "mgmt/compile/model.hpp"

namespace headgate::compile {

using Numbers = std::map<db::AllocationKey, uint32_t>;
using Objects = std::map<contract::ObjectKey, contract::ObjectPtr>;

// The numbers that a shard needs: its user; a local port and a target id an endpoint and replica.
std::vector<db::AllocationKey> required_allocations(const Model& model, const Entry& shard);

contract::Object build_node_settings(const Entry& node);
contract::Object build_shard_settings(const Model& model, const Entry& shard);
contract::Object build_listener(const Model& model, const Entry& listener);
// For one shard: with the listeners that end there.
contract::Object build_route(const Model& model, const Entry& route, const std::string& shard);
contract::Object build_pool(const Entry& pool);
contract::Object build_certificate(const Entry& certificate);
contract::Object build_trust_bundle(const Entry& secret);

// What a node must know to run the shard: its replicas for headgate-node, its addresses for headgate-l4.
Objects build_shard_on_node(const Model& model, const Entry& shard, const Entry& node,
                            const Numbers& numbers);

// Where the route's listeners end; the pools that it forwards to and that exist.
std::vector<std::string> shards_of_route(const Model& model, const Entry& route);
std::vector<db::ObjectKey> pools_of_route(const Model& model, const Entry& route);
// The certificates that it shows and the secrets with authorities that it believes, if they exist; sorted.
std::vector<db::ObjectKey> trust_of_listener(const Model& model, const Entry& listener);

contract::ObjectKey key_in_shard(const std::string& shard, contract::Kind kind, const Entry& entry);
contract::ObjectKey key_of_node_settings(const Entry& node);

}  // namespace headgate::compile
