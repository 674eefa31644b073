// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/upstream_pool.hpp"

#include <algorithm>
#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/core/unix_address.hpp"
#include "dataplane/shard/socket_address.hpp"
#include "dataplane/shard/upstream_user.hpp"

namespace headgate::shard {

namespace {

// Exchanges share a connection.
bool shares(const l7::PoolEndpoint& endpoint) { return endpoint.protocol != contract::PoolProtocol::kHttp1; }

}  // namespace

// The one that was used last. What was made under another context goes.
UpstreamConnection* UpstreamPool::find_idle(const l7::PoolEndpoint& endpoint, const Opening& opening) {
  if (endpoint.slot >= idle_by_slot_.size()) return nullptr;
  auto& idle = idle_by_slot_[endpoint.slot];
  while (!idle.empty() && idle.back()->socket_.context() != opening.tls.get()) close(*idle.back());
  const auto found = std::find_if(idle.rbegin(), idle.rend(), [&](const UpstreamConnection* each) {
    return each->socket_.began_as(opening);
  });
  if (found == idle.rend()) return nullptr;
  UpstreamConnection* const connection = *found;
  idle.erase(std::next(found).base());
  return connection;
}

UpstreamLeg* UpstreamPool::take_idle(const l7::PoolEndpoint& endpoint, const Opening& opening,
                                     UpstreamUser& user) {
  if (shares(endpoint)) {
    auto* const session = find_session(endpoint, opening, http2::ClientSession::Phase::kOpen);
    if (!session) return nullptr;
    counters_.add(Counter::kUpstreamReuses);
    return &session->join(user);
  }
  auto* const found = find_idle(endpoint, opening);
  if (!found) return nullptr;
  UpstreamConnection& connection = *found;
  connection.phase_ = UpstreamConnection::Phase::kBusy;
  connection.user_ = &user;
  connection.reused_ = true;
  connection.leg_.open();
  ++connection.exchanges_;
  counters_.add(Counter::kUpstreamReuses);
  return &connection.leg_;
}

// Nothing where it failed at once.
UniqueFd UpstreamPool::connect_to(const l7::PoolEndpoint& endpoint) const {
  if (!endpoint.hop_to.empty()) {
    // Done at once: the connection waits in the socket's queue, whoever accepts from it.
    const auto to = UnixAddress::of(hop_.path_to(endpoint.hop_to));
    UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!to || !socket || ::connect(socket.get(), to->get(), to->size()) < 0) return {};
    return socket;
  }
  const SocketAddress to(endpoint.address);
  UniqueFd socket(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return {};
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket.get(), to.get(), to.size()) < 0 && errno != EINPROGRESS) return {};
  return socket;
}

UpstreamLeg* UpstreamPool::connect(const l7::PoolEndpoint& endpoint, const Opening& opening,
                                   UpstreamUser& user, const ConnectionRules& rules) {
  const bool shared = shares(endpoint) && !rules.bytes_only;
  if (auto* const session =
          shared ? find_session(endpoint, opening, http2::ClientSession::Phase::kConnecting) : nullptr)
    return &session->join(user);
  counters_.add(Counter::kUpstreamConnects);
  UniqueFd socket = connect_to(endpoint);
  if (!socket) return nullptr;
  if (shared) return connect_session(endpoint, opening, user, std::move(socket));
  UpstreamConnection& connection = connections_.take(*this);
  if (!loop_.add_stream(socket.get(), connection)) {
    connections_.give(connection);
    return nullptr;
  }
  connection.socket_.open(std::move(socket), opening);
  connection.endpoint_ = state_.pin(endpoint);
  connection.user_ = &user;
  connection.phase_ = UpstreamConnection::Phase::kConnecting;
  connection.reused_ = false;
  connection.exchanges_ = 1;
  connection.rules_ = rules;
  connection.leg_.open();
  ++state_.pools.cell(endpoint.pool->slot).connections;
  return &connection.leg_;
}

UpstreamLeg* UpstreamPool::connect_session(const l7::PoolEndpoint& endpoint, const Opening& opening,
                                           UpstreamUser& user, UniqueFd socket) {
  auto& session = sessions_.take(*this);
  if (!loop_.add_stream(socket.get(), session)) {
    sessions_.give(session);
    return nullptr;
  }
  if (endpoint.slot >= sessions_by_slot_.size()) sessions_by_slot_.resize(endpoint.slot + 1);
  auto& sessions = sessions_by_slot_[endpoint.slot];
  // Of a pool with proxy_protocol each client has its own: of too many the oldest that idles gives way.
  if (sessions.size() >= limits::kIdleUpstreamsMax) {
    const auto idle =
        std::find_if(sessions.begin(), sessions.end(), [](const auto* each) { return each->idle(); });
    if (idle != sessions.end()) (*idle)->close_when_idle();
  }
  sessions.push_back(&session);
  session.open(std::move(socket), state_.pin(endpoint), opening);
  ++state_.pools.cell(endpoint.pool->slot).connections;
  return &session.join(user);
}

http2::ClientSession* UpstreamPool::find_session(const l7::PoolEndpoint& endpoint, const Opening& opening,
                                                 http2::ClientSession::Phase phase) {
  if (endpoint.slot >= sessions_by_slot_.size()) return nullptr;
  for (auto* const session : sessions_by_slot_[endpoint.slot])
    if (session->phase() == phase && session->began_as(opening) && session->has_room()) return session;
  return nullptr;
}

bool UpstreamPool::can_join(const l7::PoolEndpoint& endpoint, const Opening& opening) {
  return shares(endpoint) &&
         find_session(endpoint, opening, http2::ClientSession::Phase::kConnecting) != nullptr;
}

void UpstreamPool::remove(http2::ClientSession& session) {
  std::erase(sessions_by_slot_[session.endpoint().slot], &session);
  const uint32_t pool_slot = session.endpoint().pool->slot;
  --state_.pools.cell(pool_slot).connections;
  queue_.freed(pool_slot);
}

void UpstreamPool::freed(const l7::PoolEndpoint& endpoint) { queue_.freed(endpoint.pool->slot); }

template <typename Predicate>
void UpstreamPool::close_sessions(Predicate&& of_no_use) {
  for (auto& sessions : sessions_by_slot_)
    for (auto* const session : sessions)
      if (of_no_use(*session)) session->close_when_idle();
}

void UpstreamPool::release(UpstreamConnection& connection) {
  const uint32_t slot = connection.endpoint_->slot;
  if (slot >= idle_by_slot_.size()) idle_by_slot_.resize(slot + 1);
  auto& idle = idle_by_slot_[slot];
  const auto& rules = connection.rules_;
  const bool used_up = rules.exchanges_max != 0 && connection.exchanges_ >= rules.exchanges_max;
  const bool quiet = connection.stream().quiet();  // reads tickets, where they have come
  connection.socket_.keep_ticket(*connection.endpoint_);
  if (used_up || !quiet) return close(connection);
  // Of use to any exchange, or to one client, of whom the newest is the likeliest to come again.
  if (idle.size() >= limits::kIdleUpstreamsMax)
    close(connection.endpoint_->proxy_protocol ? *idle.front() : connection);
  if (connection.phase_ == UpstreamConnection::Phase::kClosed) return;
  connection.user_ = nullptr;
  connection.phase_ = UpstreamConnection::Phase::kIdle;
  idle.push_back(&connection);
  loop_.arm(connection, rules.idle_timeout);
  queue_.freed(connection.endpoint_->pool->slot);
}

void UpstreamPool::close(UpstreamConnection& connection) {
  if (connection.phase_ == UpstreamConnection::Phase::kClosed) return;
  if (connection.phase_ == UpstreamConnection::Phase::kIdle) remove_idle(connection);
  connection.phase_ = UpstreamConnection::Phase::kClosed;
  connection.user_ = nullptr;
  connection.socket_.close(*connection.endpoint_);
  const uint32_t pool_slot = connection.endpoint_->pool->slot;
  --state_.pools.cell(pool_slot).connections;
  connection.endpoint_.reset();
  queue_.freed(pool_slot);
  connection.cancel();
  loop_.retire(connection);
}

void UpstreamPool::remove_idle(UpstreamConnection& connection) {
  std::erase(idle_by_slot_[connection.endpoint_->slot], &connection);
}

bool UpstreamPool::close_one_idle(const l7::ServingPool& pool) {
  for (const auto& each : pool.all) {
    const uint32_t slot = each.endpoint->slot;
    if (slot >= idle_by_slot_.size() || idle_by_slot_[slot].empty()) continue;
    close(*idle_by_slot_[slot].front());  // the one that is needed least
    return true;
  }
  for (const auto& each : pool.all) {
    const uint32_t slot = each.endpoint->slot;
    if (slot >= sessions_by_slot_.size()) continue;
    for (auto* const session : sessions_by_slot_[slot]) {
      if (!session->idle()) continue;
      session->close_when_idle();
      return false;
    }
  }
  return false;
}

void UpstreamPool::close_unserved(const l7::PoolTable& pools, const TlsTable& tls) {
  const auto unserved = [&](const l7::PoolEndpoint& endpoint, const tls::ClientContext* made_under) {
    return !pools.serves(endpoint) || tls.backend(endpoint).get() != made_under;
  };
  for (auto& idle : idle_by_slot_)
    while (!idle.empty() && unserved(idle.back()->endpoint(), idle.back()->socket_.context()))
      close(*idle.back());
  close_sessions(
      [&](const http2::ClientSession& session) { return unserved(session.endpoint(), session.tls()); });
}

void UpstreamPool::close_idle() {
  for (auto& idle : idle_by_slot_)
    while (!idle.empty()) close(*idle.back());
  close_sessions([](const http2::ClientSession&) { return true; });
}

UpstreamConnection::UpstreamConnection(UpstreamPool& pool)
    : pool_(pool), leg_(*this), socket_(pool.tickets(), pool.counters()) {}

void UpstreamConnection::on_events(uint32_t epoll_events) {
  if (phase_ == Phase::kClosed) return;
  stream().note_events(epoll_events);
  if (phase_ == Phase::kIdle) {
    if (!stream().quiet()) pool_.close(*this);
    return;
  }
  if (phase_ == Phase::kBusy) return user_->on_upstream_events();
  switch (socket_.advance(*endpoint_)) {
    case UpstreamSocket::Progress::kPending:
      return;
    case UpstreamSocket::Progress::kFailed:
      return user_->on_connect_failed();
    case UpstreamSocket::Progress::kReady:
      break;
  }
  phase_ = Phase::kBusy;
  user_->on_connected();
}

void UpstreamConnection::on_deadline() {
  if (phase_ == Phase::kIdle) pool_.close(*this);
}

void UpstreamConnection::on_retired() { pool_.connections_.give(*this); }

}  // namespace headgate::shard
