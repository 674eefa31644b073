// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/memory_watch.hpp"

#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

namespace headgate::shard {

std::optional<uint64_t> own_bytes(const std::string& statm, uint64_t page_bytes) {
  std::istringstream fields(statm);
  uint64_t all = 0;
  uint64_t resident = 0;
  uint64_t shared = 0;
  if (!(fields >> all >> resident >> shared) || shared > resident) return std::nullopt;
  return (resident - shared) * page_bytes;
}

bool MemoryWatch::look(TimePoint now) {
  due_ = now + limits::kMemoryLookInterval;
  // What was freed counts until the kernel has it back.
  if (is_short_) ::malloc_trim(0);
  std::string statm;
  std::getline(std::ifstream("/proc/self/statm"), statm);
  const auto used = own_bytes(statm, static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
  if (!used) return false;
  const bool was_short = is_short_;
  is_short_ = memory_is_short(was_short, *used, max_bytes_);
  return is_short_ != was_short;
}

std::string MemoryWatch::notice() const {
  if (!is_short_) return {};
  return fmt::format(
      "over {:.0f} % of memory_max_per_replica ({} MiB) are in use: new connections and requests get 503",
      limits::kMemoryShortFrom * 100, max_bytes_ >> 20);
}

}  // namespace headgate::shard
