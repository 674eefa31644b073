// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/memory_cgroup.hpp"

#include <cerrno>
#include <fstream>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace headgate::node {
namespace {

bool write_setting(const std::filesystem::path& path, std::string_view value) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

bool lists_memory(const std::filesystem::path& controllers) {
  std::ifstream words(controllers);
  for (std::string word; words >> word;)
    if (word == "memory") return true;
  return false;
}

bool make_directory(const std::filesystem::path& path) {
  return ::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST;
}

}  // namespace

MemoryCgroups MemoryCgroups::find(const std::string& name, const std::filesystem::path& root) {
  MemoryCgroups cgroups;
  const bool v2 = lists_memory(root / "cgroup.controllers");
  const bool v1 = !v2 && std::filesystem::exists(root / "memory" / "memory.limit_in_bytes");
  if (!v1 && !v2) return cgroups;
  const auto directory = (v1 ? root / "memory" : root) / name;
  cgroups.version_ = v1 ? Version::kV1 : Version::kV2;
  cgroups.root_ = root;
  cgroups.directory_ = directory;
  // Made to see that it can be, and again by the first process that needs it.
  if (cgroups.make_own_directory())
    ::rmdir(directory.c_str());
  else
    cgroups.version_.reset();
  return cgroups;
}

bool MemoryCgroups::make_own_directory() const {
  if (!make_directory(directory_)) return false;
  // A v2 controller is handed down a level at a time.
  if (version_ == Version::kV1 || (write_setting(root_ / "cgroup.subtree_control", "+memory") &&
                                   write_setting(directory_ / "cgroup.subtree_control", "+memory")))
    return true;
  ::rmdir(directory_.c_str());
  return false;
}

Result<UniqueFd> MemoryCgroups::limit(const std::string& process, uint64_t memory_max_bytes) {
  const auto directory = directory_ / process;
  if (!make_own_directory() || !make_directory(directory))
    return system_error(errno, "making " + directory.string());
  const auto setting = directory / (version_ == Version::kV1 ? "memory.limit_in_bytes" : "memory.max");
  if (!write_setting(setting, std::to_string(memory_max_bytes)))
    return system_error(errno, "writing " + setting.string());
  UniqueFd entrance(::open((directory / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!entrance) return system_error(errno, "opening " + directory.string() + "/cgroup.procs");
  return entrance;
}

void MemoryCgroups::remove(const std::string& process) {
  // Only an empty one goes: a new generation of the process may be in it already.
  if (!available()) return;
  ::rmdir((directory_ / process).c_str());
  ::rmdir(directory_.c_str());
}

}  // namespace headgate::node
