// SPDX-License-Identifier: Apache-2.0
// ClientSession: the Session of a connection to a backend that speaks HTTP/2; many exchanges share it, up to
// what the backend allows (SETTINGS_MAX_CONCURRENT_STREAMS) and we do. Exchanges may join while it connects.
// After a GOAWAY it takes no new ones and ends with its last. Thread: one; the UpstreamPool's slab owns it.
#pragma once

#include "dataplane/l7/pool_table.hpp"
#include "dataplane/shard/http2/session.hpp"
#include "dataplane/shard/upstream_socket.hpp"

namespace headgate::shard {
class UpstreamUser;
class Http2UpstreamLeg;
class UpstreamPool;
}  // namespace headgate::shard

namespace headgate::shard::http2 {

class ClientSession final : public Handler, public Session {
 public:
  enum class Phase : uint8_t { kClosed, kConnecting, kOpen };

  explicit ClientSession(UpstreamPool& pool);

  void open(UniqueFd socket, l7::PoolEndpointPin endpoint, const UpstreamSocket::Opening& opening);
  const l7::PoolEndpoint& endpoint() const { return *endpoint_; }
  Phase phase() const { return phase_; }
  const tls::ClientContext* tls() const { return socket_.context(); }
  bool began_as(const UpstreamSocket::Opening& opening) const { return socket_.began_as(opening); }
  bool idle() const { return phase_ == Phase::kOpen && !closing_ && streams().empty(); }
  tls::HandshakeFailure tls_failure() const { return socket_.failure(); }
  bool reused() const { return served_ > 0; }  // has answered before
  // Whether another exchange may join.
  bool has_room() const;
  Http2UpstreamLeg& join(UpstreamUser& user);
  void count_served() { ++served_; }
  void close_when_idle();
  // Whether it takes an extended CONNECT (RFC 8441 section 3), which nobody may send before its SETTINGS say
  // so.
  bool settings_seen() const { return settings_seen_; }
  bool takes_websockets() const;

  void on_events(uint32_t epoll_events) override;
  void on_turn_end() override;
  void on_retired() override;

 protected:
  void on_deadline() override;  // idle for too long, or the backend takes no bytes

 private:
  MessageStream* begin_stream(int32_t) override { return nullptr; }  // no push
  void take_frame(const nghttp2_frame& frame) override;
  void advance_connect();
  void connected();
  void connect_failed();
  void end();

  UpstreamPool& pool_;
  UpstreamSocket socket_;
  l7::PoolEndpointPin endpoint_;
  Phase phase_ = Phase::kClosed;
  bool closing_ = false;  // takes no new exchange
  bool settings_seen_ = false;
  uint64_t served_ = 0;
};

}  // namespace headgate::shard::http2
