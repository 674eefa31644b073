// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/listening_socket.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "dataplane/node/socket_address.hpp"

namespace headgate::node {
namespace {

bool set_option(int fd, int level, int option, int value = 1) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

// Inodes of the TCP sockets that listen on a port, from /proc/net/tcp and tcp6 (proc(5)).
std::set<std::string> listening_inodes(uint16_t port) {
  constexpr std::string_view kListenState = "0A";
  std::set<std::string> inodes;
  const std::string port_hex = fmt::format("{:04X}", port);
  for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream lines(table);
    std::string line;
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
      if (state == kListenState && local.ends_with(":" + port_hex)) inodes.insert(inode);
    }
  }
  return inodes;
}

bool holds_any(const std::filesystem::path& process, const std::set<std::string>& inodes) {
  std::error_code ignored;  // processes end while we look, and those of others may be closed to us
  for (const auto& fd : std::filesystem::directory_iterator(process / "fd", ignored)) {
    const auto target = std::filesystem::read_symlink(fd.path(), ignored).string();
    if (!target.starts_with("socket:[")) continue;
    if (inodes.contains(target.substr(8, target.size() - 9))) return true;
  }
  return false;
}

}  // namespace

Result<UniqueFd> open_listening_socket(const Endpoint& bound) {
  const bool is_v4 = bound.address.is_v4();
  UniqueFd fd(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  const std::string what = "listening on " + bound.to_string();
  if (!fd) return system_error(errno, what);
  bool set = set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR) && set_option(fd.get(), SOL_SOCKET, SO_REUSEPORT);
  set = set && (is_v4 ? set_option(fd.get(), IPPROTO_IP, IP_FREEBIND)
                      : set_option(fd.get(), IPPROTO_IPV6, IPV6_FREEBIND) &&
                            set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY));
  if (!set) return system_error(errno, what);
  const auto address = SocketAddress::of(bound);
  if (::bind(fd.get(), address.get(), address.size_bytes()) != 0 || ::listen(fd.get(), kListenBacklog) != 0) {
    auto error = system_error(errno, what);
    if (error.code != ErrorCode::kConflict) return error;
    if (const auto holder = holder_of_port(bound); !holder.empty())
      error.message += ": " + holder + " has it; stop that program or give the listener another port";
    return error;
  }
  return fd;
}

std::string holder_of_port(const Endpoint& bound) {
  const auto inodes = listening_inodes(bound.port);
  if (inodes.empty()) return {};
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const auto pid = entry.path().filename().string();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    if (!holds_any(entry.path(), inodes)) continue;
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    return fmt::format("{} (pid {})", name, pid);
  }
  return {};
}

}  // namespace headgate::node
