// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/standalone.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/shard/socket_address.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::shard {
namespace {

Result<UniqueFd> listen_on(const Endpoint& address) {
  const SocketAddress at(address);
  UniqueFd socket(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return system_error(errno, "making a socket");
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (at.family() == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket.get(), at.get(), at.size()) < 0 || ::listen(socket.get(), SOMAXCONN) < 0)
    return system_error(errno, "listening on " + address.to_string());
  return socket;
}

}  // namespace

Result<contract::Delta> read_snapshot(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return system_error(errno, "opening " + path);
  std::stringstream text;
  text << file.rdbuf();
  auto delta = contract::decode_delta(text.str());
  if (!delta.ok()) return Error{delta.error().code, path + ": " + delta.error().message};
  if (delta->base != 0) return Error{ErrorCode::kInvalid, path + ": no full snapshot (its base is not 0)"};
  return delta;
}

Result<contract::Secrets> read_secrets(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) < 0) return system_error(errno, "opening " + path);
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077) != 0)
    return Error{
        ErrorCode::kPermission,
        path + " holds secrets: it must be a file of this user's with mode 0600 (chmod 600 " + path + ")"};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (::read(file.get(), text.data(), text.size()) != status.st_size)
    return system_error(errno, "reading " + path);
  auto secrets = contract::decode_secrets(text);
  tls::wipe(text);
  if (!secrets.ok()) return Error{secrets.error().code, path + ": " + secrets.error().message};
  return secrets;
}

std::set<Endpoint> listening_addresses(const contract::Delta& snapshot) {
  std::set<Endpoint> addresses;
  for (const auto& [key, object] : snapshot.upserts)
    if (const auto* listener = std::get_if<contract::Listener>(object.get());
        listener && listener->hop_from.empty())
      addresses.insert({listener->address, listener->port});
  return addresses;
}

Result<OpenedSockets> open_sockets(const std::set<Endpoint>& addresses, unsigned threads) {
  OpenedSockets opened;
  for (const auto& address : addresses) {
    for (unsigned thread = 0; thread < threads; ++thread) {
      auto socket = listen_on(address);
      if (!socket.ok()) return std::move(socket).error();
      opened.set.sockets.push_back({address, address, thread});
      opened.fds.push_back(std::move(*socket));
    }
  }
  return opened;
}

}  // namespace headgate::shard
