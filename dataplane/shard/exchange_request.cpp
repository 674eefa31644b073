// SPDX-License-Identifier: Apache-2.0
// Exchange: client → backend.
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// A try begins with the head, and with the first piece of the body where it has arrived.
void Exchange::start_sending() {
  if (passes_tls()) {
    report(l7::TryResult::kSuccess);  // of what the backend does with the bytes nothing is known
    response_begun_ = true;
    response_started_ = bench_.loop.now();
    return open_tunnel();
  }
  upstream_->queue_head(request_, arena_);
  send_over_ = false;
  if (buffered_) {
    buffer_.rewind();
    if (!buffer_.at_end()) upstream_->queue(buffer_.next());
    return;
  }
  if (has_first_) return upstream_->queue(first_piece_);
  const bool at_hand = !client_->body_done() && !beyond_first_ && client_->at_hand();
  if (at_hand) request_broken_ = next_request_piece() == Flow::kFailed;
}

// Whether another try could send all that this one has sent (RFC 9110 section 9.2.2: only a method that may
// be repeated, once a byte of it can have been acted on).
bool Exchange::can_repeat() const {
  if (beyond_first_) return false;
  if (!upstream_ || !upstream_->bytes_sent()) return true;
  switch (request_.method) {
    case l7::Method::kGet:
    case l7::Method::kHead:
    case l7::Method::kOptions:
    case l7::Method::kPut:
    case l7::Method::kDelete:
    case l7::Method::kTrace:
      return true;
    default:
      return false;
  }
}

bool Exchange::may_send_again() const { return !upstream_->bytes_received() && can_repeat(); }

Flow Exchange::pump_request() {
  for (unsigned pieces = 0; pieces < limits::kReadsPerTurnMax; ++pieces) {
    if (send_over_) return Flow::kOver;
    if (upstream_->pending()) {
      const Flow flow = upstream_->flush();
      if (flow == Flow::kBlocked) return flow;
      // It may have answered before it closed: the response decides.
      send_over_ = flow == Flow::kFailed;
      if (send_over_) return Flow::kOver;
    }
    if (request_read()) return Flow::kOver;
    const Flow flow = next_request_piece();
    if (flow != Flow::kMoved) return flow;
  }
  client_->again();
  return Flow::kBlocked;
}

// All of the request has gone to the backend, or into its leg.
bool Exchange::request_read() const { return buffered_ ? buffer_.at_end() : client_->body_done(); }

// kFailed: the client has gone, or its body breaks the rules or the limit (ending_ says which).
Flow Exchange::read_from_client(BodyPiece& piece) {
  const Flow flow = client_->read(piece);
  if (flow == Flow::kFailed) {
    ending_ = client_->failure();
    if (ending_ != Ending::kMalformed) return flow;
    bench_.counters.add(client_->fault());
    detail_ = http1::name_of(client_->fault());
    return flow;
  }
  if (flow != Flow::kMoved) return flow;
  if (piece.trailers) {
    l7::guard_trailers(*piece.trailers, facts_);
    filters_.chain.guard_request_trailers(*piece.trailers);
  }
  request_body_bytes_ += piece.data.size();
  const uint64_t body_bytes_max = bench_.tables->settings->body_bytes_max;
  if (body_bytes_max != 0 && request_body_bytes_ > body_bytes_max && !tunnel_) {
    ending_ = Ending::kBodyTooLarge;
    return Flow::kFailed;
  }
  if (mirror_count_ > 0) feed_mirrors(piece);
  return flow;
}

Flow Exchange::next_request_piece() {
  if (buffered_) {
    upstream_->queue(buffer_.next());
    return Flow::kMoved;
  }
  BodyPiece piece;
  const Flow flow = read_from_client(piece);
  if (flow != Flow::kMoved) return flow;
  if (piece.kept) {
    first_piece_ = piece;
    has_first_ = true;
  } else {
    beyond_first_ = true;
  }
  upstream_->queue(piece);
  return flow;
}

Exchange::Step Exchange::request_failed() {
  request_broken_ = true;
  client_->break_off();
  const bool stream_error = ending_ == Ending::kMalformed && request_.version == l7::Version::kHttp2;
  if (response_begun_ || ending_ == Ending::kClientGone || stream_error) return Step::kAborted;
  abort_upstream();
  const bool too_large = ending_ == Ending::kBodyTooLarge;
  answer(ending_, too_large ? 413 : 400, detail_);
  return Step::kGoOn;
}

}  // namespace headgate::shard
