// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/control_socket.hpp"

#include <cerrno>

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/core/unix_address.hpp"

namespace headgate::node {
namespace {

// One for the node that runs, one for the node that takes over from it, and room for a third that is late.
constexpr int kControlBacklog = 4;

Result<UnixAddress> unix_address(const std::filesystem::path& path) {
  if (const auto address = UnixAddress::of(path.native())) return *address;
  return Error{ErrorCode::kInvalid,
               "the run directory's path is too long for a Unix socket (107 bytes): " + path.string()};
}

}  // namespace

Result<UniqueFd> listen_control_socket(const std::filesystem::path& path) {
  auto address = unix_address(path);
  if (!address.ok()) return std::move(address).error();
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return system_error(errno, "making a control socket");
  ::unlink(path.c_str());
  if (::bind(fd.get(), address->get(), address->size()) != 0 || ::chmod(path.c_str(), 0600) != 0 ||
      ::listen(fd.get(), kControlBacklog) != 0)
    return system_error(errno, "listening on " + path.string());
  return fd;
}

Result<UniqueFd> connect_control_socket(const std::filesystem::path& path) {
  auto address = unix_address(path);
  if (!address.ok()) return std::move(address).error();
  // Non-blocking: a process that hangs with a full backlog must not hang us.
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return system_error(errno, "making a control socket");
  if (::connect(fd.get(), address->get(), address->size()) != 0)
    return system_error(errno, "connecting to " + path.string());
  return fd;
}

}  // namespace headgate::node
