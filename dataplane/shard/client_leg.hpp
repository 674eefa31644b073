// SPDX-License-Identifier: Apache-2.0
// ClientLeg: the client's side of one exchange as messages: the request's body comes in, the response goes
// out, each with its end and its trailers. HTTP/1.1 and HTTP/2 each implement it; framing stays below. The
// head of the request was parsed into the exchange before it began. The leg tells the exchange of events
// (Exchange::on_client_events, on_client_gone), and only from outside of the exchange's own calls.
//
// Thread: one. It lives until the exchange calls finish() or abort(), which is the last that it hears.
#pragma once

#include "dataplane/shard/body_piece.hpp"
#include "dataplane/shard/counters.hpp"

namespace headgate::shard {

class ClientConnection;

class ClientLeg {
 public:
  ClientLeg() = default;
  ClientLeg(const ClientLeg&) = delete;
  ClientLeg& operator=(const ClientLeg&) = delete;

  const ClientConnection& connection() const { return *connection_; }

  // --- the request's body
  bool body_done() const { return body_done_; }
  // Whether read() has a piece without waiting for the client.
  virtual bool at_hand() const = 0;
  // kFailed: failure() is kClientGone, or kMalformed by fault().
  virtual Flow read(BodyPiece& piece) = 0;
  Ending failure() const { return failure_; }
  http1::Fault fault() const { return fault_; }
  // Nobody wants the body: what has arrived of it is passed over.
  virtual void pass_over() = 0;
  // Nothing that the client sends after this request is listened to.
  void close_after() { keep_alive_ = false; }
  // Where the body ends, nobody can tell, or nobody waits for it.
  void break_off() { body_broken_ = true, keep_alive_ = false; }

  // --- the response: heads (interim ones first), pieces; the last says `end`, also where there is no body
  virtual void queue_head(const l7::ResponseHead& response) = 0;
  // Whether queue() takes pieces that are in a pipe.
  virtual bool takes_pipes() const { return false; }
  // Not while pending(): the piece before has gone.
  virtual void queue(const BodyPiece& piece) = 0;
  // Writes what is queued. kMoved: all of it; kFailed: the client has gone.
  virtual Flow flush() = 0;
  bool pending() const { return pending_; }
  virtual uint64_t sent_bytes() const { return sent_bytes_; }  // framing included

  // After the head that opens it: from now on both bodies are bytes until either side ends.
  virtual void begin_tunnel() = 0;
  // Whether the end of what goes to the client leaves what comes from it open.
  virtual bool half_closes() const = 0;
  // The exchange's share of this turn is used up; it wants to be told in the next.
  virtual void again() = 0;

  // --- the end
  virtual void finish() = 0;  // the response is written whole
  virtual void abort() = 0;   // the client must see that it is not

 protected:
  ~ClientLeg() = default;

  void open(ClientConnection& connection) {
    connection_ = &connection;
    body_done_ = keep_alive_ = true;
    body_broken_ = pending_ = false;
    failure_ = Ending::kClientGone;
    fault_ = http1::Fault::kNone;
    sent_bytes_ = 0;
  }
  Flow fail(http1::Fault fault) {
    failure_ = Ending::kMalformed;
    fault_ = fault;
    return Flow::kFailed;
  }

  ClientConnection* connection_ = nullptr;
  bool body_done_ = true;
  bool body_broken_ = false;
  bool keep_alive_ = true;
  bool pending_ = false;
  Ending failure_ = Ending::kClientGone;
  http1::Fault fault_ = http1::Fault::kNone;
  uint64_t sent_bytes_ = 0;
};

}  // namespace headgate::shard
