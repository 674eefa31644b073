// SPDX-License-Identifier: Apache-2.0
// Exchange: backend → client.
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

Exchange::Step Exchange::relay() {
  if (pump_request() == Flow::kFailed || request_broken_) return request_failed();
  return pump_response();
}

Exchange::Step Exchange::pump_response() {
  for (unsigned pieces = 0; pieces < limits::kReadsPerTurnMax; ++pieces) {
    if (client_->pending()) {
      const Flow flow = client_->flush();
      if (flow == Flow::kBlocked) return Step::kWait;
      if (flow == Flow::kFailed) {
        ending_ = Ending::kClientGone;
        return Step::kAborted;
      }
    }
    if (response_over_) return request_outlives_response() ? Step::kWait : Step::kFinished;
    const Step step = response_begun_ ? take_response_piece() : take_response_head();
    if (step != Step::kGoOn || phase_ != Phase::kRelaying) return step;
  }
  upstream_->again();
  return Step::kWait;
}

// kGoOn: something was taken; the caller writes it, or reads more.
Exchange::Step Exchange::take_response_head() {
  switch (upstream_->read_head(response_)) {
    case Flow::kMoved:
      return begin_response();
    case Flow::kBlocked:
      return Step::kWait;
    default:
      return upstream_->lacks_websockets() ? answer_no_websocket("websocket_unsupported")
                                           : upstream_failed(upstream_->failure());
  }
}

Exchange::Step Exchange::begin_response() {
  const bool upgraded = response_.status == 101;
  const bool interim = response_.status < 200 && !upgraded;
  if (upgraded && !proves_upgrade()) return upstream_failed(Ending::kBackendMalformed);
  if (interim && ++interim_responses_ > limits::kInterimResponsesMax)
    return upstream_failed(Ending::kBackendMalformed);
  // HTTP/1.0 knows no interim response (RFC 9110 section 15.2).
  if (interim && request_.version == l7::Version::kHttp10) return Step::kGoOn;
  if (!interim) {
    report(l7::result_of(response_.status));
    if (retry_on_status()) return Step::kGoOn;
    if (refuses_websocket()) return answer_no_websocket("websocket_refused");
    add_affinity_cookie();
  }

  response_.headers.remove(l7::HeaderId::kHeadgateContext);  // between two tiers only, and not this way
  if (upgraded && request_.version == l7::Version::kHttp2) answer_connect();
  if (!interim) filter_response(response_);
  if (!interim && !upgraded) begin_compression();
  client_->queue_head(response_);
  if (interim) return Step::kGoOn;
  status_ = response_.status;
  note_response(response_);
  response_begun_ = true;
  response_started_ = bench_.loop.now();
  if (upgraded) return begin_tunnel();
  pipes_ = !compressor_ && client_->takes_pipes() && response_.content_length >= limits::kPipedBodyBytesMin;
  if (upstream_->body_done()) {
    client_->queue({.data = {}, .end = true});
    response_over_ = true;
    return Step::kGoOn;
  }
  // The head goes with the first piece of the body, in one write.
  return upstream_->at_hand() ? take_response_piece() : Step::kGoOn;
}

Exchange::Step Exchange::take_response_piece() {
  BodyPiece piece;
  const Flow flow = compressor_ ? read_compressed(piece)
                    : pipes_    ? read_piped(piece)
                                : upstream_->read(piece);
  if (flow == Flow::kBlocked) return Step::kWait;
  if (flow != Flow::kMoved) {
    // Over HTTP/1.1 a client of a tunnel can be told of no other end than this one.
    if (!tunnel_ || client_->half_closes()) return upstream_failed(upstream_->failure());
    piece = {.data = {}, .end = true};
  }
  if (compressor_ && piece.data.empty() && !piece.end) return Step::kGoOn;
  if (piece.trailers) filters_.chain.guard_response_trailers(*piece.trailers);
  if (piece.end) {
    response_over_ = true;
    // The client's connection closes with it.
    send_over_ = send_over_ || (tunnel_ && !client_->half_closes());
  }
  client_->queue(piece);
  return Step::kGoOn;
}

// Between two pieces others may have the pipe: only a client that reads slowly keeps one for itself.
Flow Exchange::read_piped(BodyPiece& piece) {
  const bool gives = upstream_->gives_pipes();
  if (gives && !pipe_) {
    pipe_ = bench_.pipes.take();
    pipes_ = static_cast<bool>(pipe_);  // where there is none, the rest is not asked about again
  }
  const bool fills = gives && pipe_;
  const Flow flow = fills ? upstream_->read_into(*pipe_, piece) : upstream_->read(piece);
  if (piece.pipe) bench_.counters.add(Counter::kBytesPiped, pipe_->held_bytes());
  if (flow == Flow::kBlocked) pipe_.reset();
  return flow;
}

Exchange::Step Exchange::upstream_failed(Ending ending) {
  if (response_begun_) {
    ending_ = ending;
    return Step::kAborted;
  }
  const bool stale = upstream_->stale();
  if (stale) bench_.counters.add(Counter::kUpstreamStale);
  // A backend may refuse every new connection as well: past the bound it is a failure like others.
  if (stale && unread_tries_ < limits::kUnreadTriesMax && may_send_again()) {
    ++unread_tries_;
    abort_upstream();
    phase_ = Phase::kChoosing;
    return Step::kGoOn;
  }
  note_tls_failure(upstream_->tls_failure());
  report(l7::TryResult::kGatewayFailure);
  const auto cause = stale ? contract::RetryOn::kRefusedStream : contract::RetryOn::kReset;
  if (ending == Ending::kBackendClosed && retry_on(cause)) return Step::kGoOn;
  abort_upstream();
  answer(ending, 502, tls_detail());
  return Step::kGoOn;
}

}  // namespace headgate::shard
