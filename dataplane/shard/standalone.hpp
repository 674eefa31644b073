// SPDX-License-Identifier: Apache-2.0
// Standalone mode: a shard without headgate-node. The snapshot comes from a file (a Delta with base 0, as
// JSON), the listening sockets are opened here. For tests, benchmarks, and where a shard stands alone in
// front of something. Thread: control.
#pragma once

#include <string>

#include "dataplane/shard/shard_process.hpp"

namespace headgate::shard {

Result<contract::Delta> read_snapshot(const std::string& path);
// A contract::Secrets as JSON, of a file that nobody but its owner, who is us, can read.
Result<contract::Secrets> read_secrets(const std::string& path);
// One socket a thread (SO_REUSEPORT) for every address and port of the snapshot's listeners.
Result<void> open_sockets(ShardProcess& process, const contract::Delta& snapshot, unsigned threads);

}  // namespace headgate::shard
