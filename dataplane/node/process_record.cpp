// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/process_record.hpp"

#include <fstream>
#include <sstream>
#include <string>

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace headgate::node {
namespace {

// Field 22 of /proc/PID/stat (proc(5)), in clock ticks since boot; 0 where there is no such process.
uint64_t start_ticks_of(pid_t pid) {
  constexpr int kStartField = 22;
  std::string line;
  std::getline(std::ifstream(fmt::format("/proc/{}/stat", pid)), line);
  // Field 2, the name in parentheses, may hold anything: count from behind it.
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream words(line.substr(name_end + 1));
  std::string word;
  for (int field = 3; field <= kStartField; ++field) words >> word;
  return std::strtoull(word.c_str(), nullptr, 10);
}

}  // namespace

Result<void> write_process_record(const std::filesystem::path& path, pid_t pid) {
  std::ofstream file(path, std::ios::trunc);
  file << pid << ' ' << start_ticks_of(pid) << '\n';
  file.close();
  if (!file) return Error{ErrorCode::kUnavailable, "cannot write " + path.string()};
  return {};
}

std::optional<RecordedProcess> find_recorded_process(const std::filesystem::path& path) {
  RecordedProcess found;
  uint64_t start_ticks = 0;
  std::ifstream file(path);
  if (!(file >> found.pid >> start_ticks) || found.pid <= 1) return std::nullopt;
  // Opened first, compared then: what is compared is what the fd stands for, or it has ended.
  found.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, found.pid, 0)));
  if (!found.pidfd || start_ticks == 0 || start_ticks_of(found.pid) != start_ticks) return std::nullopt;
  return found;
}

}  // namespace headgate::node
