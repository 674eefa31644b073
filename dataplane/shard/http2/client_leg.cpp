// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/client_leg.hpp"

#include "dataplane/shard/http2/library.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void Http2ClientLeg::open(ClientConnection& connection, http2::Session& session, int32_t id,
                          Exchange& exchange) {
  ClientLeg::open(connection);
  enter(session, id);
  exchange_ = &exchange;
  state_ = State::kHead;
  head_fault_ = http1::Fault::kNone;
  head_ = nullptr;
  tunnel_ = false;
}

void Http2ClientLeg::lose() {
  closed_ = true;
  exchange_->on_client_gone();
}

void Http2ClientLeg::begin_section() {
  if (state_ != State::kHead) return trailer_reader_.start(trailers_, exchange_->arena());
  request_reader_.start(connection().head_limits(), exchange_->request(), exchange_->arena());
}

void Http2ClientLeg::take_field(std::string_view name, std::string_view value) {
  if (state_ == State::kHead)
    request_reader_.take(name, value);
  else
    trailer_reader_.take(name, value);
  // Over the limit its stream is answered by 431; far over it, it is no mistake.
  const uint64_t bytes =
      state_ == State::kHead ? request_reader_.section_bytes() : trailer_reader_.section_bytes();
  if (bytes > limits::kHttp2SectionExcess * connection().head_limits().header_bytes_max)
    session_->terminate(NGHTTP2_ENHANCE_YOUR_CALM, Counter::kHttp2HeaderFloods);
}

void Http2ClientLeg::end_section(bool end_stream) {
  if (state_ != State::kHead) {
    // RFC 9113 section 8.5: a tunnel has data and nothing else.
    const bool may_have_trailers = end_stream && !exchange_->request().upgrade_websocket;
    const bool well_formed = may_have_trailers && trailer_reader_.finish() == http1::Fault::kNone;
    return well_formed ? end_data() : break_in(http1::Fault::kTrailer);
  }
  head_fault_ = request_reader_.finish(end_stream);
  state_ = State::kHeadWhole;
  const auto& request = exchange_->request();
  if (request.framing == l7::BodyFraming::kLength) expect_length(request.content_length);
  in_ended_ = end_stream;
  body_done_ = request.framing == l7::BodyFraming::kNone ||
               (request.framing == l7::BodyFraming::kLength && request.content_length == 0);
  session_->mark_ready(*this);
}

void Http2ClientLeg::on_ready() {
  if (closed_ && !end_sent_) return exchange_->on_client_gone();
  if (state_ == State::kHead) return;
  if (state_ == State::kBegun) return exchange_->on_client_events();
  state_ = State::kBegun;
  fault_ = head_fault_;
  exchange_->begin(head_fault_);
}

Flow Http2ClientLeg::read(BodyPiece& piece) {
  const Flow flow = read_piece(piece);
  if (flow == Flow::kFailed && in_fault_ != http1::Fault::kNone) return fail(in_fault_);
  if (flow == Flow::kMoved) body_done_ = piece.end;
  return flow;
}

// A final head waits for what follows it, so that a response without a body ends with its head.
void Http2ClientLeg::queue_head(const l7::ResponseHead& response) {
  pending_ = true;
  head_ = &response;
  if (response.status >= 200) return;
  head_ = nullptr;
  if (closed_) return;
  auto& fields = session_->fields();
  fields.write(response, {});
  nghttp2_submit_headers(session_->library(), NGHTTP2_FLAG_NONE, id_, nullptr, fields.data(), fields.size(),
                         nullptr);
}

void Http2ClientLeg::submit_head(bool end_stream) {
  auto& fields = session_->fields();
  fields.write(*head_, bench_.clock.http_date());
  head_ = nullptr;
  if (closed_) return;
  nghttp2_data_provider provider{};
  provider.read_callback = http2::read_piece_callback;
  nghttp2_submit_response(session_->library(), id_, fields.data(), fields.size(),
                          end_stream ? nullptr : &provider);
  out_ended_ = end_stream;
}

void Http2ClientLeg::queue(const BodyPiece& piece) {
  const bool has_trailers = piece.trailers && !piece.trailers->empty();
  if (head_) submit_head(piece.end && piece.data.empty() && !has_trailers);
  if (!out_ended_) put_piece(piece);
  pending_ = true;
}

Flow Http2ClientLeg::flush() {
  if (head_) submit_head(false);
  write_out();
  if (closed_ && !end_sent_) return Flow::kFailed;
  // What the library only holds would be lost with the stream, were that to end now.
  if (out_pending() || (out_ended_ && !end_sent_)) return Flow::kBlocked;
  pending_ = false;
  return Flow::kMoved;
}

// What the client has sent already has no event of its own.
void Http2ClientLeg::begin_tunnel() {
  tunnel_ = true;
  body_done_ = false;
  keep_no_piece();
  session_->mark_ready(*this);
}

void Http2ClientLeg::again() { session_->mark_ready(*this); }

// Section 8.1: a response before the end of its request asks the client to stop, without an error.
void Http2ClientLeg::finish() {
  if (!in_ended_) session_->reset(*this, NGHTTP2_NO_ERROR);
  release();
}

void Http2ClientLeg::abort() {
  uint32_t error_code = tunnel_ ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR;  // RFC 8441 section 5
  if (fault_ != http1::Fault::kNone || body_broken_) error_code = NGHTTP2_PROTOCOL_ERROR;
  session_->reset(*this, error_code);
  release();
}

void Http2ClientLeg::release() {
  leave();
  exchange_ = nullptr;
  bench_.http2_client_legs.give(*this);
}

}  // namespace headgate::shard
