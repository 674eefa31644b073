// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/listening_socket.hpp"

#include <cerrno>

#include <netinet/tcp.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/shard/early_refusal.hpp"
#include "dataplane/shard/proxy_header_form.hpp"
#include "dataplane/shard/socket_address.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {
namespace {

// On the hop, where what comes may be TLS that passes through as well: its client understands no HTTP.
bool brings_request(int socket) {
  char first = 0;
  return ::recv(socket, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && !proxy_form::begins_header(first);
}

}  // namespace

bool ListeningSocket::start() {
  if (hop_) return watch();
  // What is accepted inherits them. A request's acknowledgement goes with its answer (or 40 ms later), as it
  // does from a client's second request on: a packet less a connection.
  const int on = 1;
  const int off = 0;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
  return watch();
}

bool ListeningSocket::watch() {
  return hop_ ? bench_.loop.add_shared(socket_.get(), *this) : bench_.loop.add_readable(socket_.get(), *this);
}

// What waits in its queue is still served. Others hold copies of the fd, so closing ours does not take it out
// of the epoll set.
void ListeningSocket::stop() {
  for (unsigned accepted = 0; accepted < SOMAXCONN && accept_one(); ++accepted) {
  }
  bench_.loop.remove(socket_.get());
  socket_.reset();
  cancel();
}

void ListeningSocket::on_events(uint32_t) {
  if (!socket_) return;
  for (unsigned accepted = 0; accepted < limits::kAcceptsPerTurnMax; ++accepted)
    if (!accept_one()) return;
}

bool ListeningSocket::accept_one() {
  SocketAddress from;
  UniqueFd socket(::accept4(socket_.get(), from.get(), from.size_room(), SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) {
    if (errno == ECONNABORTED || errno == EINTR) return true;
    // Without fds or memory the kernel's queue keeps the clients; level-triggered, it would also spin.
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause();
    return false;
  }
  if (bench_.clients.in_use() >= clients_max_ || bench_.pressure.memory_is_short()) {
    bench_.counters.add(Counter::kConnectionsRefused);
    if (!hop_ || brings_request(socket.get()))
      refuse_early(bench_, socket.get(), reached_, EarlyRefusal::kTooManyConnections);
    return true;
  }
  if (!hop_) {
    bench_.clients.take(bench_).open(std::move(socket), from.endpoint(), reached_);
    return true;
  }
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
      !bench_.hop.lets_in(bench_.tables->settings->hop_peers, peer.uid))
    bench_.counters.add(Counter::kHopPeersRefused);
  else
    bench_.clients.take(bench_).open_hop(std::move(socket), peer.uid);
  return true;
}

void ListeningSocket::pause() {
  bench_.loop.remove(socket_.get());
  bench_.loop.arm(*this, limits::kAcceptPause);
}

void ListeningSocket::on_deadline() { [[maybe_unused]] const bool added = watch(); }

}  // namespace headgate::shard
