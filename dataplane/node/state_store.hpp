// SPDX-License-Identifier: Apache-2.0
// StateStore: the last good state on disk, so that a machine serves it when it boots without headgated. Files
// in the state directory: snapshot.base and snapshot.log (state_records.hpp). What append() returned from
// outlives the process; the machine, within the seconds that the kernel takes to write it. Thread: the node's
// loop, which a new base blocks for as long as the disk takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

class StateStore {
 public:
  explicit StateStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Once, first. No state at all is an empty snapshot; an unusable one is too, after a warning.
  Result<contract::Snapshot> load();
  // `snapshot` is the state after `delta`. Compacts when the log has outgrown the base.
  Result<void> append(const contract::Delta& delta, const contract::Snapshot& snapshot);

 private:
  Result<void> write_base(const contract::Snapshot& snapshot);
  Result<void> open_log(std::size_t keep_bytes);

  std::filesystem::path directory_;
  UniqueFd log_;
  std::size_t base_bytes_ = 0;  // 0: there is none
  uint64_t base_checksum_ = 0;
  std::size_t log_bytes_ = 0;
};

}  // namespace headgate::node
