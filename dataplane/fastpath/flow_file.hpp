// SPDX-License-Identifier: Apache-2.0
// FlowFile: a worker's flow tables in a file of a tmpfs, so that they outlive the process: what a killed or
// replaced headgate-l4 knew of flows the next one knows, also where the targets have changed since they
// began. One process has the file at a time. What another layout, another boot or another size has left is
// given up, and so is what nobody has kept up to date: flows are dated by a clock that goes round. Thread:
// control; the tables are the worker's.
#pragma once

#include <cstdint>
#include <filesystem>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/l4/forward/nat_table.hpp"
#include "dataplane/l4/line_memory.hpp"

namespace headgate::fastpath {

class FlowFile {
 public:
  // What flows lie by: where it is another, those of an earlier process are of no use.
  struct Shape {
    std::size_t flows = 0;
    l4::NatPorts nat_ports = {};
  };
  // `secret`: random, for flows of a table that begins anew. kConflict where another process has the file.
  static Result<FlowFile> open(const std::filesystem::path& path, const Shape& shape, uint64_t secret,
                               TimePoint now);
  FlowFile(FlowFile&& other) noexcept;
  FlowFile& operator=(FlowFile&&) = delete;
  ~FlowFile();

  l4::FileRoom room() const { return {fd_.get(), l4::kHugePageBytes}; }
  uint64_t secret() const;
  bool found_flows() const { return found_; }  // of an earlier process
  // Again and again, at least once in kKeptFor: it is still in use.
  void touch(TimePoint now);

  static constexpr auto kKeptFor = std::chrono::minutes(5);

 private:
  struct Header;
  FlowFile(UniqueFd fd, Header* header, bool found) : fd_(std::move(fd)), header_(header), found_(found) {}

  UniqueFd fd_;
  Header* header_;  // mapped
  bool found_;
};

}  // namespace headgate::fastpath
