// SPDX-License-Identifier: Apache-2.0
// MemoryCgroups: one cgroup a process, below a directory of this node's own, that bounds the process's
// memory. Works on a v2 hierarchy with the memory controller, and on v1's memory hierarchy. Thread: the
// node's loop.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

class MemoryCgroups {
 public:
  // `name`: of the node's own directory, unique on this machine. Without a controller that we may use nothing
  // is available, and limit() is not called.
  static MemoryCgroups find(const std::string& name, const std::filesystem::path& root = "/sys/fs/cgroup");

  bool available() const { return version_.has_value(); }
  // Makes the process's cgroup; a process that writes "0" to the returned fd enters it.
  Result<UniqueFd> limit(const std::string& process, uint64_t memory_max_bytes);
  void remove(const std::string& process);

 private:
  enum class Version : uint8_t { kV1, kV2 };
  bool make_own_directory() const;

  std::optional<Version> version_;
  std::filesystem::path root_;
  std::filesystem::path directory_;
};

}  // namespace headgate::node
