// SPDX-License-Identifier: Apache-2.0
#include "mgmt/http/port_holder.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>

namespace headgate::http {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kListen = "0A";  // TCP_LISTEN as /proc/net/tcp writes it

// The inodes of the sockets that listen on the port, on whichever address: a wildcard holds it as well.
std::set<std::string> inodes_listening(const char* table, uint16_t port) {
  std::set<std::string> inodes;
  std::ifstream lines(table);
  std::string line;
  std::getline(lines, line);  // the heading
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
    const auto colon = local.rfind(':');
    unsigned local_port = 0;
    if (state != kListen || colon == std::string::npos) continue;
    std::from_chars(local.data() + colon + 1, local.data() + local.size(), local_port, 16);
    if (local_port == port) inodes.insert("socket:[" + inode + "]");
  }
  return inodes;
}

bool holds_any(const fs::path& process, const std::set<std::string>& sockets) {
  std::error_code ignored;
  for (fs::directory_iterator fd(process / "fd", ignored), end; fd != end; fd.increment(ignored)) {
    const auto target = fs::read_symlink(fd->path(), ignored);
    if (sockets.contains(target.string())) return true;
  }
  return false;
}

}  // namespace

std::string holder_of_port(const Endpoint& endpoint) {
  auto sockets = inodes_listening("/proc/net/tcp", endpoint.port);
  sockets.merge(inodes_listening("/proc/net/tcp6", endpoint.port));
  if (sockets.empty()) return {};
  std::error_code ignored;
  for (fs::directory_iterator process("/proc", ignored), end; process != end; process.increment(ignored)) {
    const auto pid = process->path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos || !holds_any(process->path(), sockets))
      continue;
    std::string name;
    std::ifstream comm(process->path() / "comm");
    std::getline(comm, name);
    return fmt::format("{} (pid {})", name, pid);
  }
  return "a process that only root may look into";
}

}  // namespace headgate::http
