// SPDX-License-Identifier: Apache-2.0
// SocketTable: the replicas' listening sockets, opened and kept by headgate-node, so that a connection to a
// crashed replica waits for its successor instead of being refused. Thread: the node's loop.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "dataplane/contract/message.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

class SocketTable {
 public:
  // Opens what a process should have and has not, closes what it should no longer have. Whatever can be
  // opened is; the error is the first of the others. `changed`: the process must be told.
  struct Outcome {
    bool changed = false;
    Result<void> opened;
  };
  // `sockets`: sorted by (listener, bound, thread).
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

 private:
  struct Less {
    bool operator()(const contract::Socket& a, const contract::Socket& b) const {
      return std::tie(a.listener, a.bound, a.thread) < std::tie(b.listener, b.bound, b.thread);
    }
  };
  using Sockets = std::map<contract::Socket, UniqueFd, Less>;
  std::map<std::string, Sockets> processes_;
};

}  // namespace headgate::node
