// SPDX-License-Identifier: Apache-2.0
// Exchange: a body that is read whole before an endpoint is chosen, and from then on comes out of memory.
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// A tunnel has no body.
void Exchange::begin_buffering(const contract::BufferRequest& rule) {
  if (request_.framing == l7::BodyFraming::kNone || request_.upgrade_websocket) return;
  if (request_.content_length > rule.max_bytes) return answer(Ending::kBodyTooLarge, 413, {});
  buffered_ = true;
  buffer_bytes_max_ = rule.max_bytes;
  phase_ = Phase::kBuffering;
  if (request_.expect_continue) ask_for_body();
  request_.expect_continue = false;
}

// Nobody else would: the backend is not asked before the body is there (RFC 9110 section 10.1.1).
void Exchange::ask_for_body() {
  if (request_.version == l7::Version::kHttp10 || client_->at_hand()) return;
  response_.clear();
  response_.status = 100;
  response_.reason = "Continue";
  client_->queue_head(response_);
}

Exchange::Step Exchange::fill_buffer() {
  if (client_->pending() && client_->flush() == Flow::kFailed) {
    ending_ = Ending::kClientGone;
    return Step::kAborted;
  }
  for (unsigned pieces = 0; pieces < limits::kReadsPerTurnMax; ++pieces) {
    if (client_->body_done()) return end_buffering();
    BodyPiece piece;
    const Flow flow = read_from_client(piece);
    if (flow == Flow::kBlocked) return Step::kWait;
    if (flow == Flow::kMoved && request_body_bytes_ > buffer_bytes_max_) ending_ = Ending::kBodyTooLarge;
    if (flow != Flow::kMoved || request_body_bytes_ > buffer_bytes_max_) return request_failed();
    if (!buffer_.append(piece.data)) return refuse_buffering();
  }
  client_->again();
  return Step::kWait;
}

Exchange::Step Exchange::refuse_buffering() {
  client_->break_off();
  answer(Ending::kBuffersExhausted, 503, {});
  return Step::kGoOn;
}

// Its length is known now. Trailers went with the framing (RFC 9110 section 6.5.1).
Exchange::Step Exchange::end_buffering() {
  request_.framing = l7::BodyFraming::kLength;
  request_.content_length = buffer_.bytes();
  bench_.counters.add(Counter::kRequestsBuffered);
  phase_ = Phase::kChoosing;
  return Step::kGoOn;
}

}  // namespace headgate::shard
