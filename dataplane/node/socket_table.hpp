// SPDX-License-Identifier: Apache-2.0
// SocketTable: the replicas' listening sockets, opened and kept by headgate-node, so that a connection to a
// crashed replica waits for its successor instead of being refused. Thread: the node's loop.
#pragma once

#include <compare>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/node/hop_sockets.hpp"

namespace headgate::node {

class SocketTable {
 public:
  // Hop sockets are made in `hop_directory`.
  explicit SocketTable(std::filesystem::path hop_directory) : hops_(std::move(hop_directory)) {}

  // Opens what a process should have and has not, closes what it should no longer have. Whatever can be
  // opened is; the error is the first of the others. `changed`: the process must be told.
  struct Outcome {
    bool changed = false;
    Result<void> opened;
  };
  // `sockets`: sorted by (listener, bound, thread, hop).
  Outcome want(const std::string& process, const std::vector<contract::Socket>& sockets);
  // Sockets that a running replica gave back to a restarted headgate-node.
  void adopt(const std::string& process, const contract::SocketSet& set, std::vector<UniqueFd> fds);
  // Closes our copies: of a replica that is told to stop. It accepts what is queued in its own.
  void forget(const std::string& process) { processes_.erase(process); }

  struct Handover {
    contract::SocketSet set;
    std::vector<int> fds;  // borrowed from the table, in the order of the set
  };
  Handover of(const std::string& process) const;

  bool has_hop(const std::string& process) const;
  // Before another shard is told of them.
  void prepare_hops(const std::set<std::string>& shards) { hops_.prepare(shards); }
  // Those that no process has any more are closed.
  void drop_unused_hops();

 private:
  struct Less {
    bool operator()(const contract::Socket& a, const contract::Socket& b) const {
      return std::tie(a.listener, a.bound, a.thread, a.hop) < std::tie(b.listener, b.bound, b.thread, b.hop);
    }
  };
  using Sockets = std::map<contract::Socket, UniqueFd, Less>;
  Result<UniqueFd> open(const std::string& process, const contract::Socket& socket);

  std::map<std::string, Sockets> processes_;
  HopSockets hops_;
};

}  // namespace headgate::node
