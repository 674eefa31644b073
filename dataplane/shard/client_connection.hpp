// SPDX-License-Identifier: Apache-2.0
// ClientConnection: one connection of a client, or of a first tier on the hop socket. Collects heads, hands
// each to an Exchange with a leg, one at a time (pipelined requests wait in the block), and closes so that
// the client gets the last response whole. Phases:
//
//   [kHopBeginning →] [kProxyHeader →] [kClientHello →] [kHandshaking →] kReadingHead → kExchange →
//   kReadingHead → … → kLingering
//                          │                                └─────→ kHttp2 ──────────────────────┘  → kClosed
//                          └→ kExchange, where TLS passes through
//
// What it speaks is decided once, before its first byte is parsed: begin_http2(), or the parser of HTTP/1.1.
//
// Thread: one. Its exchange's leg holds a reference to it and is ended before it closes.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/shard/block.hpp"
#include "dataplane/shard/event_loop.hpp"
#include "dataplane/shard/handshake_queue.hpp"
#include "dataplane/shard/http1/head_parser.hpp"
#include "dataplane/shard/http1/head_scanner.hpp"
#include "dataplane/shard/proxy_header.hpp"
#include "dataplane/shard/stream.hpp"

namespace headgate::shard {

class Exchange;
class Http1ClientLeg;
struct ParsedClientHello;
struct Workbench;
namespace http2 {
class ServerSession;
}

class ClientConnection final : public Handler, public HandshakePlace {
 public:
  enum class Phase : uint8_t {
    kClosed,
    kHopBeginning,
    kProxyHeader,
    kClientHello,
    kHandshaking,
    kReadingHead,
    kExchange,
    kHttp2,
    kLingering
  };

  explicit ClientConnection(Workbench& bench) : bench_(bench) {}

  // `reached`: the listener's address and port, as configured.
  void open(UniqueFd socket, const Endpoint& peer, const Endpoint& reached);
  // A first tier's, whose process runs as `peer_uid`: each request brings what the client is and reached, or
  // the connection does, where it is a tunnel for TLS.
  void open_hop(UniqueFd socket, uid_t peer_uid);
  // Where it waits for a request: soon. Else after the exchange that runs.
  void drain();
  bool draining() const;

  Phase phase() const { return phase_; }
  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }
  const IpAddress& peer() const { return peer_.address; }
  std::string_view peer_text() const { return {peer_text_.data(), peer_text_bytes_}; }
  uint16_t peer_port() const { return peer_.port; }
  const Endpoint& reached() const { return reached_; }
  std::string_view scheme() const {
    return stream_.has_tls() || (proxied() && proxied()->tls) ? "https" : "http";
  }
  // What a trusted proxy has said of the client beside its address; null: nothing.
  const ProxyHeader* proxied() const { return proxied_ ? &proxied_->header : nullptr; }
  // Whom its certificate names; null: it showed none, or TLS does not end here.
  const tls::PeerIdentity* tls_client() const { return stream_.has_tls() ? stream_.tls().peer() : nullptr; }
  bool is_hop() const { return hop_; }
  uid_t peer_uid() const { return peer_uid_; }  // where is_hop()
  http1::HeadLimits head_limits() const;

  // --- by its exchange's leg
  // The response is written whole; what the client sent beyond the request stands in `rest` from
  // `rest_begin`.
  enum class Then : uint8_t { kKeepAlive, kClose, kLinger };  // kLinger: it may still be sending
  void exchange_done(BlockPtr rest, std::size_t rest_begin, Then then);
  void http2_over();
  void exchange_aborted();  // closes at once, so that the client sees that the response is no whole one

  void on_events(uint32_t epoll_events) override;
  void on_turn_end() override;
  void on_retired() override;
  void on_handshake_turn() override;

 protected:
  void on_deadline() override;

 private:
  void begin(UniqueFd socket);
  void begin_hop();
  void read_hop_beginning();
  void set_peer(const Endpoint& peer);
  void read_proxy_header();
  void keep_proxied(std::string_view header_bytes);
  void refuse_proxy_header();
  void serve_source(bool is_client);  // whether peer_ is a client, or a proxy that speaks for many
  void refuse_source();
  void serve();
  Duration first_patience() const;
  void await_client_hello();
  void read_client_hello();
  void pass_through(const ParsedClientHello& hello);
  void start_handshake(std::shared_ptr<const tls::Door> door);
  void advance_handshake();
  void handshake_failed(tls::HandshakeFailure failure);
  void advance();
  void begin_http2();
  bool read_head();  // true: a head is whole, or the connection is done with
  void begin_exchange();
  void refuse(http1::Fault fault);
  Http1ClientLeg& open_exchange(std::size_t head_end);
  void linger();
  void discard();
  void close();

  Workbench& bench_;
  Stream stream_;
  Endpoint peer_;
  Endpoint reached_;
  struct Proxied {
    std::string bytes;
    ProxyHeader header;  // into the bytes
  };
  std::unique_ptr<Proxied> proxied_;  // few have it
  bool hop_ = false;
  bool draining_ = false;  // its own listener goes, not the whole shard
  uid_t peer_uid_ = 0;
  std::optional<uint64_t> source_;  // where it is counted among its source's connections
  std::array<char, 46> peer_text_{};
  std::size_t peer_text_bytes_ = 0;
  Phase phase_ = Phase::kClosed;
  bool advancing_ = false;
  bool first_head_ = true;
  BlockPtr block_;
  http1::HeadScanner scanner_;
  Exchange* exchange_ = nullptr;
  http2::ServerSession* session_ = nullptr;
};

}  // namespace headgate::shard
