// SPDX-License-Identifier: Apache-2.0
// Model: every configured object, parsed, and who is related to whom, so that what a change touches is found
// without looking at the rest. Knows nothing of nodes' snapshots. Thread: its Compiler's.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "db/store/write.hpp"
#include "mgmt/compile/resources.hpp"

namespace headgate::compile {

struct Entry {
  db::ObjectKey key;
  db::ObjectMeta meta;
  std::shared_ptr<const Resource> resource;

  template <typename T>
  const T& as() const {
    return std::get<T>(*resource);
  }
};

using Keys = std::set<db::ObjectKey>;

// Where a listener takes packets: of one shard, or of one pool.
struct Place {
  Endpoint endpoint;
  contract::Protocol transport = contract::Protocol::kTcp;  // or kUdp

  std::string to_string() const;  // "tcp/192.0.2.1:80"
  friend auto operator<=>(const Place&, const Place&) = default;
};
Place place_of(const Listener& listener);

class Model {
 public:
  const Entry* find(const db::ObjectKey& key) const;
  const Entry* find(db::Kind kind, const std::string& name) const { return find({kind, "", name}); }
  // All of one kind, in the order of namespace and name.
  std::vector<const Entry*> all(db::Kind kind) const;
  std::size_t size() const { return entries_.size(); }

  void put(Entry entry);
  void remove(const db::ObjectKey& key);
  void set_meta(const db::ObjectKey& key, const db::ObjectMeta& meta);

  // Digest of the installation's secret that session ticket keys come from; empty: none.
  const std::string& ticket_secret() const { return ticket_secret_; }
  void set_ticket_secret(std::string digest) { ticket_secret_ = std::move(digest); }

  // Who names this object: routes of a listener or pool, listeners and namespaces of a shard,
  // pools of a certificate, …
  // A namespace is named by all that lives in it too.
  const Keys& referrers(const db::ObjectKey& key) const;
  // Of one kind, without looking at the others: a namespace is named by each of its routes.
  std::vector<const Entry*> referrers(const db::ObjectKey& key, db::Kind kind) const;
  const Keys& at_place(const Place& place) const;  // the listeners there

  // The nodes that take packets from outside; those that run a shard, by its names or labels; the shards that
  // a node runs. By name, sorted.
  std::vector<std::string> ingress_nodes() const;
  std::vector<std::string> nodes_of_shard(const std::string& shard) const;
  std::vector<std::string> shards_of_node(const std::string& node) const;
  // Where a shard listens, with the listeners there.
  std::map<Endpoint, std::vector<const Entry*>> endpoints_of_shard(const std::string& shard) const;

 private:
  void link(const Entry& entry);
  void unlink(const Entry& entry);

  std::map<db::ObjectKey, Entry> entries_;
  std::map<db::ObjectKey, Keys> referrers_;
  std::map<Place, Keys> at_place_;
  std::string ticket_secret_;
};

// What l4 calls a backend of a pool; nothing where that is a name to be resolved.
std::optional<Endpoint> literal_endpoint(const contract::Backend& backend);
// What the object names, with the places in its body. The namespace that an object lives in has the empty
// pointer.
std::vector<db::Reference> references_of(const db::ObjectKey& key, const Resource& resource);
// The address that a listener takes; nothing of other kinds.
std::optional<db::Claim> claim_of(const Resource& resource);

}  // namespace headgate::compile
