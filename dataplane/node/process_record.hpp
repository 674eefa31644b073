// SPDX-License-Identifier: Apache-2.0
// The record of a started process beside its control socket: which pid, and when it started, so that a later
// headgate-node knows the very process again and never takes another that got its number. The process itself
// is not asked: one that was taken over could name any pid. Thread: the node's loop.
#pragma once

#include <filesystem>
#include <optional>

#include <sys/types.h>

#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

struct RecordedProcess {
  pid_t pid = 0;
  UniqueFd pidfd;
};

Result<void> write_process_record(const std::filesystem::path& path, pid_t pid);
// Nothing where that process is gone.
std::optional<RecordedProcess> find_recorded_process(const std::filesystem::path& path);

}  // namespace headgate::node
