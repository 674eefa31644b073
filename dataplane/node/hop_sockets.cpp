// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/hop_sockets.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/log.hpp"
#include "dataplane/core/unix_address.hpp"
#include "dataplane/node/listening_socket.hpp"

namespace headgate::node {
namespace {

UniqueFd copy_of(const UniqueFd& fd) { return UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0)); }

std::string path_of_socket(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return address.sun_family == AF_UNIX ? std::string(address.sun_path) : std::string();
}

}  // namespace

Result<UniqueFd> HopSockets::open(const std::string& shard) const {
  const auto path = path_of(shard);
  const std::string what = "listening on " + path.string();
  const auto address = UnixAddress::of(path.native());
  if (!address) return Error{ErrorCode::kInvalid, what + ": the path is too long for a Unix socket"};
  // Others than we may pass through, and see nothing.
  if (::mkdir(directory_.c_str(), 0711) != 0 && errno != EEXIST) return system_error(errno, what);
  if (::chmod(directory_.c_str(), 0711) != 0) return system_error(errno, what);
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error(errno, what);
  ::unlink(path.c_str());
  if (::bind(fd.get(), address->get(), address->size()) != 0 || ::chmod(path.c_str(), 0666) != 0 ||
      ::listen(fd.get(), kListenBacklog) != 0)
    return system_error(errno, what);
  return fd;
}

Result<UniqueFd> HopSockets::share(const std::string& shard) {
  auto held = sockets_.find(shard);
  if (held == sockets_.end()) {
    auto opened = open(shard);
    if (!opened.ok()) return std::move(opened).error();
    held = sockets_.emplace(shard, std::move(*opened)).first;
  }
  UniqueFd copy = copy_of(held->second);
  if (!copy) return system_error(errno, "sharing " + path_of(shard).string());
  return copy;
}

void HopSockets::prepare(const std::set<std::string>& shards) {
  for (const auto& shard : shards) {
    std::error_code error;
    if (sockets_.contains(shard) || std::filesystem::exists(path_of(shard), error)) continue;
    if (auto opened = open(shard); opened.ok())
      sockets_.emplace(shard, std::move(*opened));
    else
      log::error(opened.error().message);  // share() says it again, where it is reported
  }
}

bool HopSockets::adopt(const std::string& shard, const UniqueFd& socket) {
  if (path_of_socket(socket.get()) != path_of(shard).native()) return false;
  struct stat theirs {
  }, ours{};
  const auto held = sockets_.find(shard);
  if (held != sockets_.end())  // another replica's, which must be the same
    return ::fstat(held->second.get(), &ours) == 0 && ::fstat(socket.get(), &theirs) == 0 &&
           ours.st_ino == theirs.st_ino;
  // Of one whose file is gone nobody finds the way to it.
  std::error_code error;
  if (!std::filesystem::exists(path_of(shard), error)) return false;
  UniqueFd copy = copy_of(socket);
  if (!copy) return false;
  sockets_.emplace(shard, std::move(copy));
  return true;
}

void HopSockets::keep_only(const std::set<std::string>& shards) {
  std::erase_if(sockets_, [&](const auto& entry) { return !shards.contains(entry.first); });
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error))
    if (!shards.contains(entry.path().stem().string())) std::filesystem::remove(entry.path(), error);
  if (shards.empty()) ::rmdir(directory_.c_str());
}

}  // namespace headgate::node
