// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/durable_file.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/unique_fd.hpp"

namespace headgate {
namespace {

constexpr std::size_t kReadBytes = 1u << 20;

Result<void> write_all(int fd, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(errno, "writing " + name);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_directory(const std::filesystem::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_error(errno, "syncing " + directory.string());
  return {};
}

}  // namespace

Result<void> write_file_durably(const std::filesystem::path& path, std::string_view bytes, unsigned mode) {
  const std::string temporary = path.string() + ".new";
  ::unlink(temporary.c_str());  // of an interrupted write
  {
    const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!fd || ::fchmod(fd.get(), mode) != 0) return system_error(errno, "creating " + temporary);
    if (auto written = write_all(fd.get(), bytes, temporary); !written.ok()) return written;
    if (::fsync(fd.get()) != 0) return system_error(errno, "syncing " + temporary);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return system_error(errno, "renaming " + temporary);
  return sync_directory(std::filesystem::absolute(path).parent_path());
}

Result<std::string> read_file(const std::filesystem::path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error(errno, "opening " + path.string());
  std::string bytes;
  for (;;) {
    const std::size_t before_bytes = bytes.size();
    bytes.resize(before_bytes + kReadBytes);
    const ssize_t got = ::read(fd.get(), bytes.data() + before_bytes, kReadBytes);
    bytes.resize(before_bytes + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(errno, "reading " + path.string());
    if (got == 0) return bytes;
  }
}

}  // namespace headgate
