// SPDX-License-Identifier: Apache-2.0
// UpstreamSocket: a Stream to a backend from connect() on: TCP, then the handshake where TLS is spoken, both
// of which its owner's connect timeout covers. What the backend gives to resume by is kept for the next.
// Thread: one.
#pragma once

#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/stream.hpp"
#include "dataplane/shard/upstream_tickets.hpp"

namespace headgate::shard {

class UpstreamSocket {
 public:
  enum class Progress : uint8_t { kPending, kReady, kFailed };

  UpstreamSocket(UpstreamTickets& tickets, ThreadCounters& counters)
      : tickets_(tickets), counters_(counters) {}

  // The socket is connecting. `context` null: plain.
  void open(UniqueFd socket, UpstreamTickets::ContextPtr context);
  void close(const l7::PoolEndpoint& endpoint);

  Stream& stream() { return stream_; }
  const tls::ClientContext* context() const { return context_.get(); }
  // After the stream's events, until it is kReady or kFailed.
  Progress advance(const l7::PoolEndpoint& endpoint);
  // What TLS would have failed by, if it ended now; kNone where it is not TLS's affair.
  tls::HandshakeFailure failure() const;
  void keep_ticket(const l7::PoolEndpoint& endpoint);

 private:
  Progress fail(tls::HandshakeFailure failure);

  UpstreamTickets& tickets_;
  ThreadCounters& counters_;
  Stream stream_;
  UpstreamTickets::ContextPtr context_;
  tls::HandshakeFailure failure_ = tls::HandshakeFailure::kNone;
};

}  // namespace headgate::shard
