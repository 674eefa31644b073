// SPDX-License-Identifier: Apache-2.0
// UpstreamLeg: the backend's side of one try of an exchange as messages: the request goes out, the response
// comes in, each with its end and its trailers; the mirror image of ClientLeg. HTTP/1.1 and HTTP/2 each
// implement it. UpstreamPool gives it out, connecting or at once ready; it tells its user (an Exchange, a
// Mirror) of events, and only from outside of the user's own calls.
//
// Thread: one. It lives until the exchange calls finish() or abort(), which is the last that it hears.
#pragma once

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/pool_table.hpp"
#include "dataplane/shard/body_piece.hpp"
#include "dataplane/shard/counters.hpp"

namespace headgate::shard {

class UpstreamLeg {
 public:
  UpstreamLeg() = default;
  UpstreamLeg(const UpstreamLeg&) = delete;
  UpstreamLeg& operator=(const UpstreamLeg&) = delete;

  virtual const l7::PoolEndpoint& endpoint() const = 0;

  // --- the request: its head, then pieces up to one that says `end`, none where it has no body
  virtual void queue_head(const l7::RequestHead& request, Arena& arena) = 0;
  // Not while a piece is pending; the head may be.
  virtual void queue(const BodyPiece& piece) = 0;
  // Writes what is queued. kMoved: all of it; kFailed: it takes no more, but may have answered.
  virtual Flow flush() = 0;
  bool pending() const { return pending_; }
  bool bytes_sent() const { return bytes_sent_; }  // that the backend may have acted on

  // --- the response. kFailed: failure() is kBackendClosed or kBackendMalformed
  virtual Flow read_head(l7::ResponseHead& response) = 0;  // kMoved: one, interim or final
  virtual Flow read(BodyPiece& piece) = 0;                 // after the final head
  // Whether the next piece can come into a pipe; then read_into() is read() with an empty one.
  virtual bool gives_pipes() const { return false; }
  virtual Flow read_into(Pipe&, BodyPiece&) { return Flow::kFailed; }
  // Whether read() has a piece without waiting for the backend.
  virtual bool at_hand() const = 0;
  bool body_done() const { return body_done_; }
  Ending failure() const { return failure_; }
  bool bytes_received() const { return bytes_received_; }
  // After a failure: the backend may never have seen the request, for the connection was an old one or was
  // being closed. A new one may do better.
  bool stale() const { return stale_; }
  // After a failure, or a connect that takes too long: what of it was TLS's.
  virtual tls::HandshakeFailure tls_failure() const = 0;

  // After a failure: it was asked for a WebSocket and its connection can make none.
  virtual bool lacks_websockets() const { return false; }

  virtual void begin_tunnel() = 0;
  virtual void again() = 0;

  // --- the end of this try
  virtual void finish() = 0;  // the response was read whole: the connection may serve others
  virtual void abort() = 0;

 protected:
  ~UpstreamLeg() = default;

  void open() {
    pending_ = bytes_sent_ = bytes_received_ = stale_ = false;
    body_done_ = false;
    failure_ = Ending::kBackendClosed;
  }
  Flow fail(Ending ending) {
    failure_ = ending;
    return Flow::kFailed;
  }

  bool pending_ = false;
  bool bytes_sent_ = false;
  bool bytes_received_ = false;
  bool body_done_ = false;
  bool stale_ = false;
  Ending failure_ = Ending::kBackendClosed;
};

}  // namespace headgate::shard
