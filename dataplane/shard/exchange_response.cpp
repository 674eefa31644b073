// SPDX-License-Identifier: Apache-2.0
// Exchange: backend → client.
#include <cstring>

#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {
namespace {

// A backend's head is the operator's own: the limits only bound memory.
constexpr http1::HeadLimits kResponseLimits{
    .header_bytes_max = limits::kLargeBlockBytes, .header_count_max = 512, .target_bytes_max = 0};

}  // namespace

Exchange::Step Exchange::relay() {
  if (pump_request() == Flow::kFailed || request_broken_) {
    request_broken_ = true;
    if (response_begun_ || ending_ == Ending::kClientGone) return Step::kAborted;
    end_upstream(false);
    keep_alive_ = false;
    const bool too_large = ending_ == Ending::kBodyTooLarge;
    answer(ending_, too_large ? 413 : 400, detail_);
    return Step::kGoOn;
  }
  return pump_response();
}

Exchange::Step Exchange::pump_response() {
  for (unsigned pieces = 0; pieces < limits::kReadsPerTurnMax; ++pieces) {
    if (!to_client_.empty()) {
      const IoResult written = to_client_.write_to(client_->stream());
      sent_bytes_ += written.bytes;
      if (written.status == IoStatus::kWouldBlock) return Step::kWait;
      if (written.status != IoStatus::kOk) {
        ending_ = Ending::kClientGone;
        return Step::kAborted;
      }
    }
    if (response_begun_ && response_body_.done()) return Step::kFinished;
    if (response_block_ && response_begin_ < response_block_->filled_bytes && !response_partial_) {
      const Step step = take_response_bytes();
      if (step != Step::kGoOn || phase_ != Phase::kRelaying) return step;
      continue;
    }
    Stream& stream = upstream_->stream();
    if (!response_block_) {
      if (!stream.readable()) return Step::kWait;
      response_block_ = bench_.blocks.take(limits::kLargeBlockBytes);
    }
    if (!response_partial_) response_block_->filled_bytes = response_begin_ = 0;
    const IoResult result = stream.read(response_block_->room());
    if (result.status == IoStatus::kWouldBlock) {
      if (!response_partial_) response_block_.reset();
      return Step::kWait;
    }
    if (result.status != IoStatus::kOk) return take_response_end();
    response_block_->filled_bytes += result.bytes;
    response_partial_ = false;
    response_seen_ = true;
  }
  bench_.loop.again(*upstream_);
  return Step::kWait;
}

// kGoOn: something was taken; the caller writes it, or reads more.
Exchange::Step Exchange::take_response_bytes() {
  if (!response_begun_) return take_response_head();
  const auto piece = response_body_.take(response_block_->from(response_begin_));
  response_begin_ += piece.consumed_bytes;
  if (piece.fault != http1::Fault::kNone) return malformed_response();
  if (piece.done && response_begin_ < response_block_->filled_bytes) upstream_clean_ = false;
  queue_response_piece(piece.data, piece.done);
  return Step::kGoOn;
}

void Exchange::queue_response_piece(std::string_view data, bool done) {
  std::string_view last_chunk;
  if (done && response_writer_.chunked()) {
    l7::Headers trailers;
    if (response_.framing == l7::BodyFraming::kChunked &&
        http1::parse_trailers(response_body_.trailers(), kResponseLimits, trailers) != http1::Fault::kNone)
      trailers.clear();
    char* const out = arena_.allocate(http1::trailers_bytes_max(trailers));
    char* const end = http1::write_last_chunk(trailers, out);
    arena_.shrink_last(end);
    last_chunk = {out, static_cast<std::size_t>(end - out)};
  }
  response_writer_.write(data, done, last_chunk, to_client_);
}

Exchange::Step Exchange::take_response_head() {
  const auto bytes = response_block_->from(response_begin_);
  switch (response_scanner_.scan({bytes.data(), bytes.size()})) {
    case http1::HeadScanner::State::kRefused:
      return malformed_response();
    case http1::HeadScanner::State::kPartial:
      // Only a head that fills the whole block is too long: one behind an interim response moves to the
      // front.
      if (response_block_->room().empty()) {
        if (response_begin_ == 0) return malformed_response();
        std::memmove(response_block_->bytes.get(), bytes.data(), bytes.size());
        response_block_->filled_bytes = bytes.size();
        response_begin_ = 0;
      }
      response_partial_ = true;
      return Step::kGoOn;
    case http1::HeadScanner::State::kWhole:
      break;
  }
  const auto head = bytes.subspan(response_scanner_.begin_bytes(),
                                  response_scanner_.end_bytes() - response_scanner_.begin_bytes());
  response_begin_ += response_scanner_.end_bytes();
  response_scanner_ = {};
  if (http1::parse_response(head, kResponseLimits, request_.method, response_) != http1::Fault::kNone)
    return malformed_response();
  return begin_response();
}

Exchange::Step Exchange::begin_response() {
  const bool interim = response_.status < 200 && response_.status != 101;
  if (response_.status == 101 && !(request_.upgrade_websocket && response_.upgrade_websocket))
    return malformed_response();
  if (interim && ++interim_responses_ > limits::kInterimResponsesMax) return malformed_response();
  // HTTP/1.0 knows no interim response (RFC 9110 section 15.2).
  if (interim && request_.version == l7::Version::kHttp10) return Step::kGoOn;

  http1::ClientSide side{.version = request_.version, .date = bench_.clock.http_date()};
  if (!interim) {
    status_ = response_.status;
    response_begun_ = true;
    response_started_ = bench_.loop.now();
    side.framing = http1::client_framing(response_, request_.version);
    // A request that is still on its way when its answer begins is not waited for after it.
    keep_alive_ = keep_alive_ && !bench_.draining && request_body_.done() &&
                  side.framing != l7::BodyFraming::kUntilClose;
    side.keep_alive = keep_alive_;
    upstream_clean_ = response_.keep_alive && request_body_.done();
    response_body_.start(response_.framing, response_.content_length);
    response_writer_.start(side.framing);
    if (response_body_.done() && response_begin_ < response_block_->filled_bytes) upstream_clean_ = false;
  }
  char* const head = arena_.allocate(http1::response_bytes_max(response_));
  char* const head_end = http1::write_response(response_, side, head);
  arena_.shrink_last(head_end);
  to_client_.add({head, static_cast<std::size_t>(head_end - head)});
  if (response_.status == 101) return begin_tunnel();
  // The head goes with the first piece of the body, in one write.
  if (!interim && !response_body_.done() && response_begin_ < response_block_->filled_bytes)
    return take_response_bytes();
  return Step::kGoOn;
}

// Only now are the bytes that the client sent behind its request read: before the 101 they were not its
// tunnel.
Exchange::Step Exchange::begin_tunnel() {
  tunnel_ = true;
  keep_alive_ = upstream_clean_ = false;
  ending_ = Ending::kTunnelled;
  request_deadline_.reset();
  request_body_.start(l7::BodyFraming::kUntilClose, 0);
  request_writer_.start(l7::BodyFraming::kUntilClose);
  response_body_.start(l7::BodyFraming::kUntilClose, 0);
  response_writer_.start(l7::BodyFraming::kUntilClose);
  bench_.loop.again(*client_);  // what it has sent already has no edge of its own
  return Step::kGoOn;
}

Exchange::Step Exchange::take_response_end() {
  if (!response_begun_) return upstream_failed(Ending::kBackendClosed);
  upstream_clean_ = false;
  if (!response_body_.take_end()) {
    ending_ = Ending::kBackendClosed;
    return Step::kAborted;
  }
  if (tunnel_) request_body_.start(l7::BodyFraming::kNone, 0);  // nobody is left to take more of it
  queue_response_piece({}, true);
  return Step::kGoOn;
}

Exchange::Step Exchange::upstream_failed(Ending ending) {
  const bool stale = upstream_->reused() && !response_seen_;
  if (stale) bench_.counters.add(Counter::kUpstreamStale);
  if (stale && may_send_again()) {
    met_stale_ = true;
    end_upstream(false);
    phase_ = Phase::kChoosing;
    return Step::kGoOn;
  }
  end_upstream(false);
  answer(ending, 502, {});
  return Step::kGoOn;
}

Exchange::Step Exchange::malformed_response() {
  upstream_clean_ = false;
  ending_ = Ending::kBackendMalformed;
  if (response_begun_) return Step::kAborted;
  end_upstream(false);
  answer(Ending::kBackendMalformed, 502, {});
  return Step::kGoOn;
}

}  // namespace headgate::shard
