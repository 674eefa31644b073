// SPDX-License-Identifier: Apache-2.0
// UpstreamSocket: a Stream to a backend from connect() on: TCP, then the header of the PROXY protocol where
// the pool has one, then the handshake where TLS is spoken, all of which its owner's connect timeout covers.
// What the backend gives to resume by is kept for the next. Thread: one.
#pragma once

#include <string>
#include <string_view>

#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/stream.hpp"
#include "dataplane/shard/upstream_tickets.hpp"

namespace headgate::shard {

class UpstreamSocket {
 public:
  // How a connection begins, which is whom it is of use to. With the header of the PROXY protocol it speaks
  // for one client on one connection: an exchange gets it if it would have it begin with the same bytes.
  struct Opening {
    const UpstreamTickets::ContextPtr& tls;  // null: plain
    std::string_view proxy_header = {};      // empty: none
  };
  enum class Progress : uint8_t { kPending, kReady, kFailed };

  UpstreamSocket(UpstreamTickets& tickets, ThreadCounters& counters)
      : tickets_(tickets), counters_(counters) {}

  // The socket is connecting.
  void open(UniqueFd socket, const Opening& opening);
  void close(const l7::PoolEndpoint& endpoint);

  Stream& stream() { return stream_; }
  const tls::ClientContext* context() const { return context_.get(); }
  // Whether a connection that is to begin like this may be this one.
  bool began_as(const Opening& opening) const {
    return context_ == opening.tls && proxy_header_ == opening.proxy_header;
  }
  // After the stream's events, until it is kReady or kFailed.
  Progress advance(const l7::PoolEndpoint& endpoint);
  // What TLS would have failed by, if it ended now; kNone where it is not TLS's affair.
  tls::HandshakeFailure failure() const;
  void keep_ticket(const l7::PoolEndpoint& endpoint);

 private:
  Progress send_proxy_header();
  Progress fail(tls::HandshakeFailure failure);

  UpstreamTickets& tickets_;
  ThreadCounters& counters_;
  Stream stream_;
  UpstreamTickets::ContextPtr context_;
  std::string proxy_header_;
  std::size_t proxy_header_sent_bytes_ = 0;
  tls::HandshakeFailure failure_ = tls::HandshakeFailure::kNone;
};

}  // namespace headgate::shard
