// SPDX-License-Identifier: Apache-2.0
// RunLock: keeps two headgate-nodes out of one run directory. Held until it is destroyed, and by the kernel
// let go when the process dies. Thread: main.
#pragma once

#include <filesystem>

#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

class RunLock {
 public:
  // kConflict, naming the pid, where another headgate-node holds it.
  static Result<RunLock> take(const std::filesystem::path& run_directory);

 private:
  explicit RunLock(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;
};

}  // namespace headgate::node
