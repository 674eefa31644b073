// SPDX-License-Identifier: Apache-2.0
// HealthMonitor: which addresses stand behind each backend of this node's shards, and whether each is usable:
// names resolved, addresses probed, results judged by hysteresis. A pool that several shards use is probed
// once. Work is proportional to what changes. Thread: the node's loop, which outlives it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "dataplane/contract/health_view.hpp"
#include "dataplane/contract/snapshot.hpp"
#include "dataplane/node/health/hysteresis.hpp"
#include "dataplane/node/health/prober.hpp"
#include "dataplane/node/health/resolver.hpp"

namespace headgate::node {

class HealthMonitor {
 public:
  HealthMonitor(EventLoop& loop, std::function<void()> on_change);

  void on_delta(const contract::Delta& delta);
  // What the replicas of a shard ("shard/NAME") should know.
  contract::HealthView view_of(const std::string& audience) const;
  // All of it, each pool once.
  std::vector<contract::MemberHealth> report() const;

 private:
  struct WatchedEndpoint {
    HysteresisState state;
    std::string reason;  // of the last change
  };
  struct WatchedMember {
    std::string host;
    uint16_t port = 0;
    bool is_name = false;
    std::map<Endpoint, WatchedEndpoint> endpoints;
  };
  struct WatchedPool {
    std::set<std::string> audiences;
    contract::ObjectPtr object;
    std::map<std::string, WatchedMember> members;  // by "host:port"; only what is probed or resolved
  };

  void remove(const contract::ObjectKey& key);
  void update(WatchedPool& pool);
  void set_addresses(const contract::Pool& pool, const std::string& name, WatchedMember& member,
                     const std::vector<IpAddress>& addresses);
  void forget_member(const std::string& pool_uid, const std::string& name, const WatchedMember& member);
  void on_result(const ProbeKey& key, const ProbeResult& result);
  void on_resolved(const Resolved& resolved);
  static contract::MemberHealth health_of(const std::string& pool_uid, const std::string& name,
                                          const WatchedMember& member);

  std::function<void()> on_change_;
  Prober prober_;
  Resolver resolver_;
  std::map<std::string, WatchedPool> pools_;                    // by uid
  std::map<contract::ObjectKey, std::string> uids_;             // which pool an object is
  std::map<std::string, std::vector<IpAddress>> last_answers_;  // by DNS name; kept while it is used
  std::map<std::string, unsigned> name_uses_;
};

}  // namespace headgate::node
