// SPDX-License-Identifier: Apache-2.0
// NetworkUndo: what was changed in this machine's network and how it was before, in a file, so that a planned
// stop gives it back even when the headgate-node that changed it was killed. Noted before it is done, once.
// Thread: the node's loop.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dataplane/core/result.hpp"
#include "dataplane/node/network_plan.hpp"

namespace headgate::node {

class NetworkUndo {
 public:
  // Reads what an earlier headgate-node noted.
  explicit NetworkUndo(std::filesystem::path file);

  // Writes a setting below /proc/sys and notes its value from before; one that is so already is left alone.
  Result<void> set_sysctl(const std::string& name, const std::string& value);
  Result<void> note_moved_address(const HostAddress& address);
  Result<void> note_local_address(const IpAddress& address);

  const std::vector<HostAddress>& moved_addresses() const { return moved_; }
  const std::vector<IpAddress>& local_addresses() const { return local_; }
  // Writes the settings back and forgets everything. A setting whose interface is gone is gone with it.
  void restore_sysctls_and_forget();

 private:
  Result<void> store() const;

  std::filesystem::path file_;
  std::map<std::string, std::string> sysctls_;  // by name: the value from before
  std::vector<HostAddress> moved_;              // from the uplink to hg0
  std::vector<IpAddress> local_;                // put on lo
};

}  // namespace headgate::node
