// SPDX-License-Identifier: Apache-2.0
// RotatingFile: appends to a file and, when it is full, renames it to PATH.1, PATH.1 to PATH.2 and so on, and
// begins anew. Lines are never split. Thread: one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::shard {

class RotatingFile {
 public:
  explicit RotatingFile(std::string path) : path_(std::move(path)) {}

  // `files`: how many there may be, the current one among them.
  Result<void> write(std::string_view lines, uint64_t file_bytes_max, uint32_t files);

 private:
  Result<void> open();
  void rotate(uint32_t files);

  std::string path_;
  UniqueFd file_;
  uint64_t file_bytes_ = 0;
};

}  // namespace headgate::shard
