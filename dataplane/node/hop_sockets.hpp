// SPDX-License-Identifier: Apache-2.0
// HopSockets: the Unix sockets on which shards are reached by others of this machine (the derived hop, DESIGN
// section 1): one a shard, DIRECTORY/SHARD.sock. All threads of all its replicas accept from the same one, so
// a replica that dies refuses nobody: what is queued waits for another or for its successor. Anybody may
// connect; the replicas look at who it is (SO_PEERCRED). Thread: the node's loop.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

class HopSockets {
 public:
  explicit HopSockets(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // A copy of the shard's socket, which is opened where we hold none.
  Result<UniqueFd> share(const std::string& shard);
  // Opens the sockets of shards that have no file yet, before another shard is told to connect there. Where
  // there is one, a replica holds its socket and gives it back, or share() replaces it.
  void prepare(const std::set<std::string>& shards);
  // What a running replica gave back to a restarted headgate-node; false where it is not the shard's socket.
  [[nodiscard]] bool adopt(const std::string& shard, const UniqueFd& socket);
  // Closes the others and removes their files, also those of an earlier headgate-node.
  void keep_only(const std::set<std::string>& shards);

 private:
  std::filesystem::path path_of(const std::string& shard) const { return directory_ / (shard + ".sock"); }
  Result<UniqueFd> open(const std::string& shard) const;

  std::filesystem::path directory_;
  std::map<std::string, UniqueFd> sockets_;  // by shard
};

}  // namespace headgate::node
