// SPDX-License-Identifier: Apache-2.0
// Supervisor: starts processes under their own user and limits, so that they outlive headgate-node. An
// interface because two implementations are planned: child processes (ChildSupervisor), the embedded default,
// and one transient systemd unit a process. Watching and restarting is Process's business and the same for
// both: all it needs is a pidfd. Thread: the node's loop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

// A user of its own: no supplementary groups, no capabilities, no way to get any.
struct ProcessUser {
  uid_t uid = 0;
  gid_t gid = 0;
  friend bool operator==(const ProcessUser&, const ProcessUser&) = default;
};

struct ProcessSpec {
  std::string process;  // "shard/edge/0"
  std::filesystem::path program;
  std::vector<std::string> arguments;   // after the program's name
  std::optional<ProcessUser> user;      // none: as headgate-node itself, capabilities and all
  uint64_t memory_max_bytes = 0;        // 0: no limit
  uint64_t fds_max = 0;                 // 0: as headgate-node
  std::filesystem::path log_directory;  // made, and owned by the user; empty: none

  friend bool operator==(const ProcessSpec&, const ProcessSpec&) = default;
};

struct StartedProcess {
  pid_t pid = 0;
  UniqueFd pidfd;
};

class Supervisor {
 public:
  virtual ~Supervisor() = default;
  // `control_socket`: the listening Unix socket that becomes fd 3.
  virtual Result<StartedProcess> start(const ProcessSpec& spec, const UniqueFd& control_socket) = 0;
  // After its pidfd said that it is gone: how it ended ("signal 9", "status 1"), and no trace of it stays.
  virtual std::string finish(const ProcessSpec& spec, const UniqueFd& pidfd) = 0;
};

}  // namespace headgate::node
