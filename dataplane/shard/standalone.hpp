// SPDX-License-Identifier: Apache-2.0
// Standalone mode: a shard without headgate-node. The snapshot comes from a file (a Delta with base 0, as
// JSON), the listening sockets are opened here. For tests, benchmarks, and where a shard stands alone in
// front of something, as the API's front does (mgmt/front). How they are followed: followed_files.hpp.
// Thread: control.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "dataplane/shard/shard_process.hpp"

namespace headgate::shard {

Result<contract::Delta> read_snapshot(const std::string& path);
// A contract::Secrets as JSON, of a file that nobody but its owner, who is us, can read.
Result<contract::Secrets> read_secrets(const std::string& path);
// Of its listeners that end here.
std::set<Endpoint> listening_addresses(const contract::Delta& snapshot);

struct OpenedSockets {
  contract::SocketSet set;
  std::vector<UniqueFd> fds;
};
// One a thread (SO_REUSEPORT) for every address and port.
Result<OpenedSockets> open_sockets(const std::set<Endpoint>& addresses, unsigned threads);

}  // namespace headgate::shard
