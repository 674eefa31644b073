// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/upstream_socket.hpp"

namespace headgate::shard {

using tls::HandshakeFailure;

void UpstreamSocket::open(UniqueFd socket, const Opening& opening) {
  stream_.open(std::move(socket), false, false);
  context_ = opening.tls;
  proxy_header_ = opening.proxy_header;
  proxy_header_sent_bytes_ = 0;
  failure_ = HandshakeFailure::kNone;
}

void UpstreamSocket::close(const l7::PoolEndpoint& endpoint) {
  keep_ticket(endpoint);
  stream_.say_end();
  stream_.close();
  context_.reset();
}

UpstreamSocket::Progress UpstreamSocket::advance(const l7::PoolEndpoint& endpoint) {
  if (stream_.failed()) return fail(stream_.has_tls() ? HandshakeFailure::kGone : HandshakeFailure::kNone);
  if (!stream_.has_tls()) {
    if (!stream_.writable()) return Progress::kPending;
    if (const auto progress = send_proxy_header(); progress != Progress::kReady) return progress;
    if (!context_) return Progress::kReady;
    auto session =
        tls::Session::connect(context_, stream_.fd(), endpoint.tls_name, tickets_.find(endpoint, context_));
    if (!session) return fail(HandshakeFailure::kOther);
    stream_.start_tls(std::move(session));
    failure_ = HandshakeFailure::kTimeout;
  }
  switch (stream_.handshake()) {
    case IoStatus::kWouldBlock:
      return Progress::kPending;
    case IoStatus::kOk:
      break;
    case IoStatus::kEnd:
    case IoStatus::kFailed:
      return fail(stream_.tls().failure());
  }
  failure_ = HandshakeFailure::kNone;
  counters_.add(Counter::kUpstreamTlsHandshakes);
  if (stream_.tls().resumed()) counters_.add(Counter::kUpstreamTlsHandshakesResumed);
  return Progress::kReady;
}

// A new connection has room for it; one that has none is waited for like any other.
UpstreamSocket::Progress UpstreamSocket::send_proxy_header() {
  while (proxy_header_sent_bytes_ < proxy_header_.size()) {
    const iovec rest{proxy_header_.data() + proxy_header_sent_bytes_,
                     proxy_header_.size() - proxy_header_sent_bytes_};
    const auto written = stream_.write({&rest, 1});
    if (written.status == IoStatus::kWouldBlock) return Progress::kPending;
    if (written.status != IoStatus::kOk) return fail(HandshakeFailure::kNone);
    proxy_header_sent_bytes_ += written.bytes;
  }
  return Progress::kReady;
}

UpstreamSocket::Progress UpstreamSocket::fail(HandshakeFailure failure) {
  failure_ = failure;
  return Progress::kFailed;
}

// With TLS 1.3 a backend looks at our certificate after our side of the handshake has ended.
HandshakeFailure UpstreamSocket::failure() const {
  if (failure_ != HandshakeFailure::kNone || !stream_.has_tls()) return failure_;
  const bool refused = stream_.tls().failure() == HandshakeFailure::kRefusedByPeer;
  return refused ? HandshakeFailure::kRefusedByPeer : HandshakeFailure::kNone;
}

void UpstreamSocket::keep_ticket(const l7::PoolEndpoint& endpoint) {
  if (!stream_.has_tls()) return;
  if (auto ticket = stream_.take_ticket()) tickets_.keep(endpoint, context_, std::move(ticket));
}

}  // namespace headgate::shard
