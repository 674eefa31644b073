// SPDX-License-Identifier: Apache-2.0
// UpstreamConnection: one connection, plain or TLS, to an endpoint of a pool. It serves one exchange at a
// time or idles in its UpstreamPool, which owns it. It holds on to its endpoint, so that the endpoint's slot
// is not used again before the last connection to it has gone. Thread: one.
#pragma once

#include "dataplane/core/limits.hpp"
#include "dataplane/l7/pool_table.hpp"
#include "dataplane/shard/event_loop.hpp"
#include "dataplane/shard/http1/upstream_leg.hpp"
#include "dataplane/shard/upstream_socket.hpp"

namespace headgate::shard {

class UpstreamUser;
class UpstreamPool;

// What its pool says of one connection, as it was when it was opened.
struct ConnectionRules {
  uint32_t exchanges_max = 0;  // 0: no limit
  Duration idle_timeout = limits::kUpstreamIdleTimeout;
  bool bytes_only = false;  // whatever its pool speaks: a connection of the exchange's own
};

class UpstreamConnection final : public Handler {
 public:
  enum class Phase : uint8_t { kClosed, kConnecting, kBusy, kIdle };

  explicit UpstreamConnection(UpstreamPool& pool);

  UpstreamPool& pool() { return pool_; }
  Stream& stream() { return socket_.stream(); }
  tls::HandshakeFailure tls_failure() const { return socket_.failure(); }
  Phase phase() const { return phase_; }
  bool reused() const { return reused_; }  // had an exchange before this one
  const l7::PoolEndpoint& endpoint() const { return *endpoint_; }

  void on_events(uint32_t epoll_events) override;
  void on_retired() override;

 protected:
  void on_deadline() override;  // idle for too long

 private:
  friend class UpstreamPool;
  UpstreamPool& pool_;
  Http1UpstreamLeg leg_;
  UpstreamSocket socket_;
  l7::PoolEndpointPin endpoint_;
  UpstreamUser* user_ = nullptr;  // while connecting or busy
  Phase phase_ = Phase::kClosed;
  bool reused_ = false;
  uint32_t exchanges_ = 0;
  ConnectionRules rules_;
};

}  // namespace headgate::shard
