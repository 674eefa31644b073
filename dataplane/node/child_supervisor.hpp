// SPDX-License-Identifier: Apache-2.0
// ChildSupervisor: processes as children of headgate-node, each in a session of its own, so that nothing that
// ends headgate-node ends them; they are then adopted by init, and found again by their control sockets.
// Memory is limited by a cgroup (v1 or v2) where this machine has the controller, else by RLIMIT_DATA.
// Thread: the node's loop.
#pragma once

#include "dataplane/node/memory_cgroup.hpp"
#include "dataplane/node/supervisor.hpp"

namespace headgate::node {

class ChildSupervisor final : public Supervisor {
 public:
  explicit ChildSupervisor(MemoryCgroups cgroups) : cgroups_(std::move(cgroups)) {}

  Result<StartedProcess> start(const ProcessSpec& spec, const UniqueFd& control_socket) override;
  std::string finish(const ProcessSpec& spec, const UniqueFd& pidfd) override;

 private:
  MemoryCgroups cgroups_;
};

}  // namespace headgate::node
