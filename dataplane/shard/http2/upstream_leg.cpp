// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/http2/upstream_leg.hpp"

#include "dataplane/shard/http2/client_session.hpp"
#include "dataplane/shard/http2/library.hpp"
#include "dataplane/shard/own_response.hpp"
#include "dataplane/shard/upstream_pool.hpp"
#include "dataplane/shard/upstream_user.hpp"
#include "dataplane/shard/websocket_key.hpp"

namespace headgate::shard {
namespace {

// A backend's head is the operator's own: the limits only bound memory.
constexpr http1::HeadLimits kResponseLimits{
    .header_bytes_max = limits::kLargeBlockBytes, .header_count_max = 512, .target_bytes_max = 0};

}  // namespace

void Http2UpstreamLeg::open(http2::ClientSession& session, UpstreamUser& user) {
  UpstreamLeg::open();
  enter(session, 0);
  client_session_ = &session;
  user_ = &user;
  head_ = nullptr;
  lost_by_ = tls::HandshakeFailure::kNone;
  websocket_key_ = {};
  awaits_settings_ = lacks_websockets_ = tunnel_ = final_seen_ = false;
  heads_got_ = heads_read_ = 0;
}

void Http2UpstreamLeg::connected() { user_->on_connected(); }
void Http2UpstreamLeg::connect_failed() { user_->on_connect_failed(); }

// A head that waits for the backend's SETTINGS, nobody has seen.
void Http2UpstreamLeg::lose() {
  stale_ = (client_session_->reused() || head_) && !bytes_received_;
  lost_by_ = client_session_->tls_failure();
  client_session_ = nullptr;
  detach();
  user_->on_upstream_events();
}

const l7::PoolEndpoint& Http2UpstreamLeg::endpoint() const { return client_session_->endpoint(); }

tls::HandshakeFailure Http2UpstreamLeg::tls_failure() const {
  return client_session_ ? client_session_->tls_failure() : lost_by_;
}

// The head waits for what follows it, so that a request without a body ends with its head.
void Http2UpstreamLeg::queue_head(const l7::RequestHead& request, Arena& arena) {
  arena_ = &arena;
  method_ = request.method;
  head_ = &request;
  if (request.upgrade_websocket)
    if (const auto* key = request.headers.find("sec-websocket-key")) websocket_key_ = key->value;
  pending_ = true;
}

// False: not yet, or never. Without a key, which the extended CONNECT does not pass on, nobody could refuse
// what RFC 6455 section 4.2.1 has a server refuse.
bool Http2UpstreamLeg::may_submit() {
  if (!head_->upgrade_websocket) return true;
  awaits_settings_ = !client_session_->settings_seen();
  lacks_websockets_ = websocket_key_.empty() || (!awaits_settings_ && !client_session_->takes_websockets());
  return !awaits_settings_ && !lacks_websockets_;
}

void Http2UpstreamLeg::note_settings() {
  if (awaits_settings_) session_->mark_ready(*this);
}

bool Http2UpstreamLeg::submit_head(bool end_stream) {
  auto& fields = session_->fields();
  // RFC 9113 section 8.3.1: backends (Apache) compare it with how they are spoken to.
  fields.write(*head_, endpoint().tls_name.empty() ? "http" : "https");
  head_ = nullptr;
  nghttp2_data_provider provider{};
  provider.read_callback = http2::read_piece_callback;
  id_ = nghttp2_submit_request(session_->library(), nullptr, fields.data(), fields.size(),
                               end_stream ? nullptr : &provider, static_cast<http2::MessageStream*>(this));
  out_ended_ = end_stream;
  // The ids of this connection are used up: nothing of the request has gone.
  if (id_ < 0) id_ = 0, closed_ = stale_ = true;
  return id_ > 0;
}

void Http2UpstreamLeg::queue(const BodyPiece& piece) {
  const bool has_trailers = piece.trailers && !piece.trailers->empty();
  if (head_ && !submit_head(piece.end && piece.data.empty() && !has_trailers)) return;
  if (!out_ended_) put_piece(piece);
  pending_ = true;
}

Flow Http2UpstreamLeg::flush() {
  if (head_) {
    if (closed_ || !may_submit()) {
      pending_ = false;  // it is the backend's turn; note_settings() goes on
      return closed_ || lacks_websockets_ ? Flow::kFailed : Flow::kMoved;
    }
    const bool without_body = head_->framing == l7::BodyFraming::kNone ||
                              (head_->framing == l7::BodyFraming::kLength && head_->content_length == 0);
    submit_head(without_body && !head_->upgrade_websocket);
  }
  write_out();
  bytes_sent_ = sent_frame_bytes_ > 0;
  const bool cut_off = closed_ && !out_ended_;
  if (out_pending() && !cut_off) return Flow::kBlocked;
  pending_ = false;
  return cut_off ? Flow::kFailed : Flow::kMoved;
}

void Http2UpstreamLeg::begin_section() {
  if (final_seen_) return trailer_reader_.start(trailers_, *arena_);
  if (heads_got_ == heads_.size()) heads_.emplace_back();
  response_reader_.start(kResponseLimits, heads_[heads_got_], *arena_);
}

void Http2UpstreamLeg::take_field(std::string_view name, std::string_view value) {
  if (final_seen_)
    trailer_reader_.take(name, value);
  else
    response_reader_.take(name, value);
}

void Http2UpstreamLeg::end_section(bool end_stream) {
  bytes_received_ = true;
  if (!final_seen_) return end_head(end_stream);
  // A tunnel has data and nothing else (RFC 9113 section 8.5).
  const bool may_have_trailers = end_stream && !tunnel_;
  const bool well_formed = may_have_trailers && trailer_reader_.finish() == http1::Fault::kNone;
  return well_formed ? end_data() : break_in(http1::Fault::kTrailer);
}

void Http2UpstreamLeg::end_head(bool end_stream) {
  const auto fault = response_reader_.finish(method_, end_stream);
  if (fault != http1::Fault::kNone) return break_in(fault);
  auto& head = heads_[heads_got_];
  if (heads_got_ > limits::kInterimResponsesMax) return break_in(http1::Fault::kStatusLine);
  ++heads_got_;
  final_seen_ = head.status >= 200;
  if (final_seen_) client_session_->count_served();
  tunnel_ = !websocket_key_.empty() && head.status >= 200 && head.status < 300;
  if (tunnel_)
    accept_websocket(head);
  else if (final_seen_ && head.framing == l7::BodyFraming::kLength)
    expect_length(head.content_length);
  else if (final_seen_ && head.framing == l7::BodyFraming::kNone)
    expect_length(0);
  if (end_stream) return end_data();
  session_->mark_ready(*this);
}

// As RFC 6455 has it, with the proof of the key that it was asked with: what reads it need not know of
// HTTP/2.
void Http2UpstreamLeg::accept_websocket(l7::ResponseHead& head) {
  head.status = 101;
  head.reason = reason_phrase(head.status);
  head.upgrade_websocket = true;
  head.framing = l7::BodyFraming::kNone;
  head.has_content_length = false;
  keep_no_piece();
  head.headers.remove("sec-websocket-accept");
  head.headers.add({"sec-websocket-accept", websocket_proof(websocket_key_, *arena_)});
}

void Http2UpstreamLeg::on_ready() {
  pending_ = pending_ || awaits_settings_;
  if (id_ > 0 || awaits_settings_) user_->on_upstream_events();
}

Flow Http2UpstreamLeg::failed() {
  if (in_fault_ != http1::Fault::kNone) return fail(Ending::kBackendMalformed);
  const bool refused = closed_ && error_code_ == NGHTTP2_REFUSED_STREAM;
  if (refused) bytes_sent_ = false;
  stale_ = stale_ || refused;
  return fail(Ending::kBackendClosed);
}

Flow Http2UpstreamLeg::read_head(l7::ResponseHead& response) {
  if (heads_read_ < heads_got_) {
    std::swap(response, heads_[heads_read_++]);
    if (response.status >= 200) body_done_ = in_ended_ && !data_at_hand() && trailers_.empty();
    return Flow::kMoved;
  }
  return closed_ || lacks_websockets_ || in_fault_ != http1::Fault::kNone ? failed() : Flow::kBlocked;
}

Flow Http2UpstreamLeg::read(BodyPiece& piece) {
  const Flow flow = read_piece(piece);
  if (flow == Flow::kFailed) return failed();
  if (flow == Flow::kMoved) body_done_ = piece.end;
  return flow;
}

// What a lost connection has left is less than a turn's share.
void Http2UpstreamLeg::again() {
  if (session_) session_->mark_ready(*this);
}

void Http2UpstreamLeg::finish() {
  if (session_ && id_ > 0 && !out_ended_) session_->reset(*this, NGHTTP2_CANCEL);
  release();
}

void Http2UpstreamLeg::abort() {
  if (session_ && id_ > 0) session_->reset(*this, NGHTTP2_CANCEL);
  release();
}

void Http2UpstreamLeg::release() {
  if (session_) pool_.freed(endpoint());  // one that has gone has said so itself
  leave();
  user_ = nullptr;
  client_session_ = nullptr;
  pool_.give(*this);
}

}  // namespace headgate::shard
