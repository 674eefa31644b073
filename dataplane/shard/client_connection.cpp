// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/client_connection.hpp"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "dataplane/l7/forwarded.hpp"
#include "dataplane/shard/early_refusal.hpp"
#include "dataplane/shard/tls_alert.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {
namespace {

// A drain leaves a kept connection so long for a request that is on its way already: closing at once would
// reset it, and a client may not repeat every request. The answer to it says that the connection closes.
constexpr auto kDrainPatience = std::chrono::seconds(1);

// What GOAWAY is over HTTP/2 (RFC 9113 section 6.8): a request that has crossed this on the hop is read by
// nobody, so the first tier may send it again, whatever its method, as long as it has all of its body
// (http1/upstream_leg.cpp).
constexpr std::string_view kNothingRead =
    "HTTP/1.1 503 Service Unavailable\r\nheadgate-context: unread\r\ncontent-length: 0\r\n"
    "connection: close\r\n\r\n";

// An idle connection has room for it.
void say_nothing_read(Stream& stream) {
  const iovec text{const_cast<char*>(kNothingRead.data()), kNothingRead.size()};
  [[maybe_unused]] const auto written = stream.write({&text, 1});
}

}  // namespace

void ClientConnection::open(UniqueFd socket, const Endpoint& peer, const Endpoint& reached) {
  hop_ = false;
  set_peer(peer);
  reached_ = reached;
  begin(std::move(socket));
}

void ClientConnection::set_peer(const Endpoint& peer) {
  peer_ = {l7::without_mapping(peer.address), peer.port};
  ::inet_ntop(peer_.address.is_v6() ? AF_INET6 : AF_INET, peer_.address.bytes().data(), peer_text_.data(),
              peer_text_.size());
  peer_text_bytes_ = std::strlen(peer_text_.data());
}

void ClientConnection::begin(UniqueFd socket) {
  const int fd = socket.get();
  // Most clients send their request at once: try to read before the first event says so.
  stream_.open(std::move(socket), true, true);
  phase_ = Phase::kReadingHead;
  first_head_ = true;
  draining_ = false;
  scanner_ = {};
  proxied_.reset();
  bench_.counters.add(Counter::kConnectionsAccepted);
  if (!bench_.loop.add_stream(fd, *this)) return close();
  if (hop_) return begin_hop();
  const auto trust = bench_.tables->router.trust_of(reached_, peer_.address);
  if (trust != l7::PeerTrust::kSpeaksProxy) return serve_source(trust == l7::PeerTrust::kNone);
  phase_ = Phase::kProxyHeader;
  bench_.loop.arm(*this, bench_.tables->settings->header_timeout);
  read_proxy_header();
}

// Looked at until it is whole, and taken from the socket to its last byte and no further: what follows is for
// TLS, which reads for itself, or for HTTP.
void ClientConnection::read_proxy_header() {
  std::array<char, limits::kProxyHeaderBytesMax> bytes;
  const ssize_t got = ::recv(stream_.fd(), bytes.data(), bytes.size(), MSG_PEEK);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return refuse_proxy_header();
  const auto [status, header] = parse_proxy_header({bytes.data(), static_cast<std::size_t>(got)});
  if (status == ParsedProxyHeader::Status::kPartial) return;  // the next byte has an edge of its own
  if (status == ParsedProxyHeader::Status::kBadTlv) bench_.counters.add(Counter::kProxyTlvsRefused);
  if (status != ParsedProxyHeader::Status::kWhole || (hop_ && header.hop_listener.empty()))
    return refuse_proxy_header();
  if (::recv(stream_.fd(), bytes.data(), header.size_bytes, 0) != static_cast<ssize_t>(header.size_bytes))
    return close();
  bench_.counters.add(Counter::kProxyHeaders);
  if (!header.local) set_peer(header.source);
  if (hop_ || header.tls || !header.alpn.empty() || !header.authority.empty())
    keep_proxied({bytes.data(), header.size_bytes});
  // Its listener is looked for when the ClientHello is known: our copy may still be on its way.
  if (hop_) return await_client_hello();
  phase_ = Phase::kReadingHead;
  serve_source(!header.local);
}

void ClientConnection::keep_proxied(std::string_view header_bytes) {
  proxied_ = std::make_unique<Proxied>();
  proxied_->bytes = header_bytes;
  proxied_->header = parse_proxy_header(proxied_->bytes).header;
}

void ClientConnection::refuse_proxy_header() {
  bench_.counters.add(Counter::kProxyHeadersRefused);
  close();
}

void ClientConnection::serve_source(bool is_client) {
  const uint32_t max = bench_.tables->settings->connections_max_per_source;
  if (is_client && max != 0) {
    const uint64_t source = bench_.pressure.source_of(peer_.address);
    if (!bench_.pressure.enter(source, max)) return refuse_source();
    source_ = source;
  }
  serve();
}

void ClientConnection::refuse_source() {
  bench_.counters.add(Counter::kSourcesRefused);
  refuse_early(bench_, stream_.fd(), reached_, EarlyRefusal::kTooManyOfSource);
  close();
}

void ClientConnection::serve() {
  if (bench_.tables->router.passes_tls(reached_)) return await_client_hello();
  if (auto door = bench_.tls->door(reached_)) {
    bench_.loop.arm(*this, bench_.tables->settings->handshake_timeout);
    return start_handshake(std::move(door));
  }
  bench_.loop.arm(*this, first_patience());
  advance();
}

// With a connection for its first request.
Duration ClientConnection::first_patience() const {
  return draining() ? kDrainPatience : bench_.tables->settings->header_timeout;
}

void ClientConnection::start_handshake(std::shared_ptr<const tls::Door> door) {
  phase_ = Phase::kHandshaking;
  auto session = tls::Session::accept(std::move(door), stream_.fd());
  if (!session) {
    ::send(stream_.fd(), kUnrecognizedName.data(), kUnrecognizedName.size(), MSG_NOSIGNAL);
    return handshake_failed(tls::HandshakeFailure::kNoCertificate);
  }
  stream_.start_tls(std::move(session));
  advance_handshake();
}

void ClientConnection::advance_handshake() {
  if (stream_.tls().begun() || bench_.handshakes.admits(*this)) on_handshake_turn();
}

void ClientConnection::on_handshake_turn() {
  const bool had_begun = stream_.tls().begun();
  const IoStatus status = stream_.handshake();
  if (!had_begun && stream_.tls().begun()) bench_.handshakes.note_begun();
  switch (status) {
    case IoStatus::kWouldBlock:
      return;
    case IoStatus::kOk:
      break;
    case IoStatus::kEnd:
    case IoStatus::kFailed:
      return handshake_failed(stream_.tls().failure());
  }
  bench_.counters.add(Counter::kTlsHandshakes);
  if (stream_.tls().resumed()) bench_.counters.add(Counter::kTlsHandshakesResumed);
  if (stream_.tls().protocol() == "h2") return begin_http2();
  phase_ = Phase::kReadingHead;
  bench_.loop.arm(*this, first_patience());
  advance();
}

// Lingers, so that the alert that says why is not lost to a reset.
void ClientConnection::handshake_failed(tls::HandshakeFailure failure) {
  HandshakePlace::leave();
  bench_.counters.add(failure);
  if (failure == tls::HandshakeFailure::kGone) return close();
  linger();
}

bool ClientConnection::draining() const { return draining_ || bench_.draining; }

void ClientConnection::drain() {
  draining_ = true;
  if (phase_ == Phase::kHttp2) return session_->drain();
  if (phase_ == Phase::kReadingHead && !block_) bench_.loop.arm(*this, kDrainPatience);
}

void ClientConnection::on_events(uint32_t epoll_events) {
  if (phase_ == Phase::kClosed) return;
  stream_.note_events(epoll_events);
  if (phase_ == Phase::kHttp2) return session_->on_events();
  if (phase_ == Phase::kExchange)
    return stream_.failed() ? exchange_->on_client_gone() : exchange_->on_client_events();
  if (stream_.failed())
    return phase_ == Phase::kHandshaking ? handshake_failed(tls::HandshakeFailure::kGone) : close();
  if (phase_ == Phase::kLingering) return discard();
  if (phase_ == Phase::kHandshaking) return advance_handshake();
  if (phase_ == Phase::kClientHello) return read_client_hello();
  if (phase_ == Phase::kProxyHeader) return read_proxy_header();
  if (phase_ == Phase::kHopBeginning) return read_hop_beginning();
  advance();
}

void ClientConnection::on_turn_end() {
  if (phase_ == Phase::kHttp2) session_->on_turn_end();
}

// A loop, because an exchange may end inside begin_exchange() and the next request be there already: a client
// that pipelines a thousand requests must not nest a thousand calls.
void ClientConnection::advance() {
  if (advancing_) return;
  advancing_ = true;
  for (unsigned begun = 0; phase_ == Phase::kReadingHead; ++begun) {
    if (begun == limits::kPipelinedPerTurnMax) {
      bench_.loop.again(*this);
      break;
    }
    if (!read_head()) break;
    if (phase_ == Phase::kReadingHead) begin_exchange();
  }
  advancing_ = false;
}

bool ClientConnection::read_head() {
  const auto head_limits = this->head_limits();
  for (;;) {
    if (block_) {
      // By prior knowledge: the preface is no request of HTTP/1.1 (RFC 9113 section 3.4).
      const auto preface = first_head_ ? http2::find_preface(block_->text_from(0)) : http2::Preface::kNone;
      if (preface == http2::Preface::kWhole) {
        begin_http2();
        return true;
      }
      const auto state = preface == http2::Preface::kPartial ? http1::HeadScanner::State::kPartial
                                                             : scanner_.scan(block_->text_from(0));
      if (state == http1::HeadScanner::State::kWhole) return true;
      if (state == http1::HeadScanner::State::kRefused) {
        refuse(http1::Fault::kBareLineFeed);
        return true;
      }
      if (block_->filled_bytes >= head_limits.raw_bytes_max()) {
        refuse(scanner_.first_line_seen() ? http1::Fault::kHeadTooLarge : http1::Fault::kTargetTooLong);
        return true;
      }
      if (block_->room().empty()) {
        BlockPtr larger = bench_.blocks.take(std::max(limits::kLargeBlockBytes, head_limits.raw_bytes_max()));
        std::memcpy(larger->bytes.get(), block_->bytes.get(), block_->filled_bytes);
        larger->filled_bytes = block_->filled_bytes;
        block_ = std::move(larger);
      }
    } else {
      if (!stream_.readable()) return false;
      block_ = bench_.blocks.take(limits::kSmallBlockBytes);
    }
    const bool first_bytes = block_->filled_bytes == 0;
    const IoResult result = stream_.read(block_->room());
    if (result.status != IoStatus::kOk) {
      if (first_bytes) block_.reset();
      if (result.status == IoStatus::kWouldBlock) return false;
      close();
      return true;
    }
    block_->filled_bytes += result.bytes;
    // From the first byte on the whole head has its own deadline, however slowly the bytes drip.
    if (first_bytes && !first_head_) bench_.loop.arm(*this, bench_.tables->settings->header_timeout);
  }
}

// Where it is decided that the connection speaks HTTP/2: block_ holds all that was read of it, from the
// preface on, or nothing yet.
void ClientConnection::begin_http2() {
  phase_ = Phase::kHttp2;
  const BlockPtr received = std::move(block_);
  session_ = &bench_.http2_sessions.take(bench_);
  session_->open(*this, stream_, received ? received->text_from(0) : std::string_view{});
}

void ClientConnection::http2_over() {
  session_ = nullptr;
  if (stream_.failed()) return close();
  linger();
}

Http1ClientLeg& ClientConnection::open_exchange(std::size_t head_end) {
  phase_ = Phase::kExchange;
  first_head_ = false;
  scanner_ = {};
  exchange_ = &bench_.exchanges.take(bench_);
  auto& leg = bench_.http1_legs.take(bench_);
  exchange_->open(leg);
  leg.open(*this, std::move(block_), head_end, exchange_->request(), exchange_->arena());
  return leg;
}

void ClientConnection::begin_exchange() {
  const std::size_t head_begin = scanner_.begin_bytes();
  const std::size_t head_end = scanner_.end_bytes();
  const auto head = block_->from(head_begin).first(head_end - head_begin);
  auto& leg = open_exchange(head_end);
  const auto fault = http1::parse_request(head, head_limits(), exchange_->arena(), exchange_->request());
  if (fault == http1::Fault::kNone) leg.begin_body();
  exchange_->begin(fault);
}

// Without a whole head there is no request to answer; the exchange answers all the same, to log and to count.
void ClientConnection::refuse(http1::Fault fault) {
  open_exchange(0);
  exchange_->begin(fault);
}

void ClientConnection::exchange_done(BlockPtr rest, std::size_t rest_begin, Then then) {
  exchange_ = nullptr;
  if (then == Then::kLinger || (then == Then::kClose && stream_.readable())) return linger();
  if (then == Then::kClose) {
    stream_.shutdown_write();  // sends what was held for it, which a reset at close() could destroy
    return close();
  }
  phase_ = Phase::kReadingHead;
  if (rest && rest_begin < rest->filled_bytes) {
    const auto text = rest->text_from(rest_begin);
    std::memmove(rest->bytes.get(), text.data(), text.size());
    rest->filled_bytes = text.size();
    block_ = std::move(rest);
    bench_.loop.arm(*this, bench_.tables->settings->header_timeout);
  } else {
    rest.reset();
    bench_.loop.arm(*this, draining() ? kDrainPatience : bench_.tables->settings->idle_timeout);
  }
  advance();
}

void ClientConnection::exchange_aborted() {
  exchange_ = nullptr;
  stream_.give_up_tls();  // without its end: that would say that the response is whole
  close();
}

void ClientConnection::on_deadline() {
  switch (phase_) {
    case Phase::kHopBeginning:
      return close();
    case Phase::kProxyHeader:
      return refuse_proxy_header();
    case Phase::kClientHello:
      return pass_through({});  // a partial one
    case Phase::kHandshaking:
      return handshake_failed(tls::HandshakeFailure::kTimeout);
    case Phase::kReadingHead:
      if (!block_) {
        if (!hop_ && !draining()) bench_.counters.add(Counter::kIdleTimeouts);
        if (!hop_) return close();
        say_nothing_read(stream_);
        return linger();
      }
      open_exchange(0);
      return exchange_->begin_header_timeout();
    case Phase::kExchange:  // has deadlines of its own
      return;
    case Phase::kHttp2:
      return session_->on_deadline();
    case Phase::kLingering:
      return close();
    case Phase::kClosed:
      return;
  }
}

// Closing a socket with unread bytes sends a reset, which may destroy the response on its way: end our side,
// then read the client's to its end, for a while (RFC 9112 section 9.6).
void ClientConnection::linger() {
  phase_ = Phase::kLingering;
  stream_.shutdown_write();
  stream_.give_up_tls();
  bench_.loop.arm(*this, limits::kLingerTimeout);
  discard();
}

void ClientConnection::discard() {
  BlockPtr scratch = bench_.blocks.take(limits::kLargeBlockBytes);
  for (unsigned reads = 0; reads < limits::kReadsPerTurnMax; ++reads) {
    scratch->filled_bytes = 0;
    switch (stream_.read(scratch->room()).status) {
      case IoStatus::kOk:
        continue;
      case IoStatus::kWouldBlock:
        return;
      case IoStatus::kEnd:
      case IoStatus::kFailed:
        return close();
    }
  }
  bench_.loop.again(*this);
}

void ClientConnection::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  HandshakePlace::leave();
  stream_.say_end();
  stream_.close();
  block_.reset();
  cancel();
  if (source_) bench_.pressure.leave(*source_);
  source_.reset();
  bench_.counters.add(Counter::kConnectionsClosed);
  bench_.loop.retire(*this);
}

void ClientConnection::on_retired() { bench_.clients.give(*this); }

}  // namespace headgate::shard
