// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/run_lock.hpp"

#include <array>
#include <cerrno>
#include <string>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace headgate::node {

Result<RunLock> RunLock::take(const std::filesystem::path& run_directory) {
  const auto path = run_directory / "headgate-node.lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return system_error(errno, "opening " + path.string());
  // flock, not a record lock: it belongs to the open file, so no other close() of it lets go.
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return system_error(errno, "locking " + path.string());
    std::array<char, 16> pid{};
    const ssize_t got = ::pread(file.get(), pid.data(), pid.size(), 0);
    return Error{ErrorCode::kConflict,
                 "another headgate-node (pid " +
                     std::string(pid.data(), got > 0 ? static_cast<std::size_t>(got) : 0) + ") uses " +
                     run_directory.string() + ": stop it, or give this one another --run-dir"};
  }
  const auto pid = std::to_string(::getpid());
  if (::ftruncate(file.get(), 0) != 0 ||
      ::pwrite(file.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
    return system_error(errno, "writing " + path.string());
  return RunLock(std::move(file));
}

}  // namespace headgate::node
