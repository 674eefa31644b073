// SPDX-License-Identifier: Apache-2.0
// Exchange: client → backend.
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// A try begins with the head, and with the first piece of the body where it has arrived.
void Exchange::start_sending() {
  to_upstream_.clear();
  to_upstream_.add(head_text_);
  send_over_ = bytes_sent_ = false;
  response_scanner_ = {};
  response_begin_ = 0;
  response_partial_ = false;
  if (!first_data_.empty() || first_done_) return queue_request_piece(first_data_, first_done_);
  const bool at_hand = !request_body_.done() && !beyond_first_ && rest_begin_ < head_block_->filled_bytes;
  if (at_hand) request_broken_ = next_request_piece() == Flow::kFailed;
}

// Whether another try could send all that this one has sent (RFC 9110 section 9.2.2: only a method that may
// be repeated, once a byte of it can have been acted on).
bool Exchange::may_send_again() const {
  if (beyond_first_ || response_seen_) return false;
  if (!bytes_sent_) return true;
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

Exchange::Flow Exchange::pump_request() {
  for (unsigned pieces = 0; pieces < limits::kReadsPerTurnMax; ++pieces) {
    if (send_over_) return Flow::kOver;
    if (!to_upstream_.empty()) {
      const IoResult written = to_upstream_.write_to(upstream_->stream());
      bytes_sent_ = bytes_sent_ || written.bytes > 0;
      if (written.status == IoStatus::kWouldBlock) return Flow::kBlocked;
      if (written.status != IoStatus::kOk) {
        // It may have answered before it closed: the response decides.
        send_over_ = true;
        to_upstream_.clear();
        return Flow::kOver;
      }
    }
    if (request_body_.done()) return Flow::kOver;
    const Flow flow = next_request_piece();
    if (flow != Flow::kMoved) return flow;
  }
  bench_.loop.again(*client_);
  return Flow::kBlocked;
}

// kFailed: the client has gone, or its body breaks the rules or the limit (ending_ says which).
Exchange::Flow Exchange::next_request_piece() {
  const bool from_head_block = !beyond_first_ && rest_begin_ < head_block_->filled_bytes;
  if (!from_head_block) {
    const Flow flow = read_request_body();
    if (flow != Flow::kMoved) return flow;
  }
  const auto piece =
      request_body_.take(from_head_block ? head_block_->from(rest_begin_) : body_block_->from(body_begin_));
  (from_head_block ? rest_begin_ : body_begin_) += piece.consumed_bytes;
  request_body_bytes_ += piece.data.size();
  if (piece.fault != http1::Fault::kNone) {
    bench_.counters.add(piece.fault);
    ending_ = Ending::kMalformed;
    detail_ = http1::name_of(piece.fault);
    return Flow::kFailed;
  }
  const uint64_t body_bytes_max = bench_.tables->settings->body_bytes_max;
  if (body_bytes_max != 0 && request_body_bytes_ > body_bytes_max && !tunnel_) {
    ending_ = Ending::kBodyTooLarge;
    return Flow::kFailed;
  }
  if (from_head_block && !tunnel_) {
    first_data_ = piece.data;
    first_done_ = piece.done;
  }
  queue_request_piece(piece.data, piece.done);
  return Flow::kMoved;
}

Exchange::Flow Exchange::read_request_body() {
  Stream& stream = client_->stream();
  if (!stream.readable()) return Flow::kBlocked;
  if (!body_block_) body_block_ = bench_.blocks.take(limits::kLargeBlockBytes);
  // What is read past the body goes back to the client connection in the end: the start of its next request.
  const IoResult result = stream.read({body_block_->bytes.get(), body_block_->capacity_bytes});
  if (result.status == IoStatus::kOk) {
    beyond_first_ = true;
    body_block_->filled_bytes = result.bytes;
    body_begin_ = 0;
    return Flow::kMoved;
  }
  body_block_.reset();
  if (result.status == IoStatus::kWouldBlock) return Flow::kBlocked;
  if (tunnel_ && result.status == IoStatus::kEnd) {
    if (!request_body_.take_end()) return Flow::kFailed;
    upstream_->stream().shutdown_write();
    return Flow::kOver;
  }
  ending_ = Ending::kClientGone;
  return Flow::kFailed;
}

void Exchange::queue_request_piece(std::string_view data, bool done) {
  std::string_view last_chunk;
  if (done && request_writer_.chunked()) {
    l7::Headers trailers;
    const auto& settings = *bench_.tables->settings;
    const http1::HeadLimits head_limits{settings.header_bytes_max, settings.header_count_max, 0};
    // A section that breaks the rules is dropped: the body is whole without it.
    if (http1::parse_trailers(request_body_.trailers(), head_limits, trailers) != http1::Fault::kNone)
      trailers.clear();
    char* const out = arena_.allocate(http1::trailers_bytes_max(trailers));
    char* const end = http1::write_last_chunk(trailers, out);
    arena_.shrink_last(end);
    last_chunk = {out, static_cast<std::size_t>(end - out)};
  }
  request_writer_.write(data, done, last_chunk, to_upstream_);
}

}  // namespace headgate::shard
