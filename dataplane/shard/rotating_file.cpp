// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/rotating_file.hpp"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace headgate::shard {

Result<void> RotatingFile::write(std::string_view lines, uint64_t file_bytes_max, uint32_t files) {
  if (file_ && file_bytes_ > 0 && file_bytes_ + lines.size() > file_bytes_max) rotate(files);
  if (!file_) {
    if (auto opened = open(); !opened.ok()) return opened;
  }
  while (!lines.empty()) {
    const ssize_t written = ::write(file_.get(), lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int write_errno = errno;
      file_.reset();  // the next write opens it anew: somebody may have made room
      return system_error(write_errno, "writing " + path_);
    }
    file_bytes_ += static_cast<uint64_t>(written);
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> RotatingFile::open() {
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!file_) return system_error(errno, "opening " + path_);
  struct stat status {};
  file_bytes_ = ::fstat(file_.get(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
  return {};
}

void RotatingFile::rotate(uint32_t files) {
  file_.reset();
  if (files <= 1) {
    ::unlink(path_.c_str());
    return;
  }
  for (uint32_t number = files - 1; number > 1; --number)
    std::rename((path_ + "." + std::to_string(number - 1)).c_str(),
                (path_ + "." + std::to_string(number)).c_str());
  std::rename(path_.c_str(), (path_ + ".1").c_str());
}

}  // namespace headgate::shard
