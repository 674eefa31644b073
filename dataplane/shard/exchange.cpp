// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/exchange.hpp"

#include <algorithm>

#include "dataplane/l7/grpc.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

Exchange::Exchange(Workbench& bench) : bench_(bench), buffer_(bench.blocks, bench.buffers) {}

void Exchange::open(ClientLeg& client) {
  client_ = &client;
  phase_ = Phase::kChoosing;
  ending_ = Ending::kCompleted;
  detail_ = {};
  arena_.reset();
  request_.clear();
  facts_ = {};
  context_ = {};
  trace_.reset();
  has_first_ = beyond_first_ = request_broken_ = buffered_ = false;
  request_body_bytes_ = 0;
  server_name_.reset();
  alpn_ = hop_header_ = {};
  logged_request_.clear();
  logged_response_.clear();
  listener_name_ = endpoint_text_ = {};
  pool_ = nullptr;
  tls_failure_ = tls::HandshakeFailure::kNone;
  tried_.clear();
  tries_ = 0;
  unread_tries_ = 0;
  send_over_ = false;
  balance_ = {};
  in_turn_ = repeating_ = ejected_ = false;
  queued_ = Duration{0};
  retries_ = 0;
  retry_refused_ = {};
  response_trailers_ = nullptr;
  response_begun_ = response_over_ = tunnel_ = pipes_ = false;
  websocket_key_ = {};
  interim_responses_ = 0;
  started_ = try_started_ = response_started_ = bench_.loop.now();
  request_deadline_.reset();
  body_deadline_.reset();
  pace_ = {};
  status_ = 0;
  bench_.counters.add(Counter::kRequests);
}

void Exchange::begin(http1::Fault fault) {
  note_request();
  if (fault == http1::Fault::kNone)
    route();
  else if (request_.version == l7::Version::kHttp2 && http1::status_of(fault) == 400)
    return reset_malformed(fault);
  else
    refuse(fault);
  run();
}

// RFC 9113 section 8.1.1: over HTTP/2 it is an error of the stream alone.
void Exchange::reset_malformed(http1::Fault fault) {
  bench_.counters.add(fault);
  ending_ = Ending::kMalformed;
  detail_ = http1::name_of(fault);
  abort();
}

void Exchange::begin_header_timeout() {
  client_->break_off();
  answer(Ending::kHeaderTimeout, 408, {});
  run();
}

void Exchange::on_client_events() { run(); }

void Exchange::on_client_gone() {
  ending_ = Ending::kClientGone;
  abort();
}

void Exchange::on_upstream_events() { run(); }

void Exchange::on_connected() {
  phase_ = Phase::kRelaying;
  start_sending();
  run();
}

void Exchange::on_connect_failed() {
  note_tls_failure(upstream_->tls_failure());
  bench_.counters.add(Counter::kUpstreamConnectFailures);
  report(l7::TryResult::kConnectFailure);
  tried_.add(upstream_->endpoint());
  abort_upstream();
  phase_ = Phase::kChoosing;
  run();
}

void Exchange::on_body_deadline() {
  ending_ = Ending::kBodyTimeout;
  const std::string_view detail = behind_pace() ? "below_body_rate_min" : "";
  if (!detail.empty()) detail_ = detail;
  if (response_begun_ || phase_ == Phase::kAnswering) return abort();
  abort_upstream();
  client_->close_after();
  answer(Ending::kBodyTimeout, 408, detail);
  run();
}

void Exchange::on_deadline() {
  const TimePoint now = bench_.loop.now();
  const bool request_is_due = request_deadline_ && now >= *request_deadline_;
  if (!request_is_due) {
    if (body_deadline_ && now >= *body_deadline_)
      return pace_.moved_bytes() < moved_bytes() ? update_deadlines() : on_body_deadline();
    if (phase_ == Phase::kConnecting) return on_connect_failed();
    if (phase_ == Phase::kParked) return on_patience_over();
    if (phase_ == Phase::kBackingOff || phase_ == Phase::kQueued) return on_waited();
    if (request_outlives_response()) return finish();
  }
  // Of a client that is slow to send, the backend is not accused.
  const bool backend_owes =
      phase_ == Phase::kRelaying && !response_begun_ && client_->body_done() && !upstream_->pending();
  if (backend_owes) {
    report(l7::TryResult::kGatewayFailure);
    if (!request_is_due && retry_on(contract::RetryOn::kTimeout)) return run();
  }
  ending_ = request_is_due ? Ending::kRequestTimeout : Ending::kResponseTimeout;
  if (response_begun_ || phase_ == Phase::kAnswering) return abort();
  abort_upstream();
  answer(ending_, 504, {});
  run();
}

// The one place where an exchange moves on, and the one where it ends: after finish() or abort() nothing of
// it may be touched, for the client's next request may have it already.
void Exchange::run() {
  for (;;) {
    switch (step()) {
      case Step::kGoOn:
        continue;
      case Step::kWait:
        return update_deadlines();
      case Step::kFinished:
        return finish();
      case Step::kAborted:
        return abort();
    }
  }
}

Exchange::Step Exchange::step() {
  switch (phase_) {
    case Phase::kBuffering:
      return fill_buffer();
    case Phase::kChoosing:
      return choose_upstream();
    case Phase::kParked:
    case Phase::kQueued:
    case Phase::kConnecting:
    case Phase::kBackingOff:
      return Step::kWait;
    case Phase::kRelaying:
      return relay();
    case Phase::kAnswering:
      break;
  }
  switch (client_->flush()) {
    case Flow::kBlocked:
      return Step::kWait;
    case Flow::kFailed:
      ending_ = Ending::kClientGone;
      return Step::kAborted;
    default:
      return Step::kFinished;
  }
}

// Whoever owes the next byte has the deadline: the client where we read or write it, else the backend.
void Exchange::update_deadlines() {
  const auto& settings = *bench_.tables->settings;
  const TimePoint now = bench_.loop.now();
  const bool client_owes_body =
      phase_ == Phase::kBuffering || (phase_ == Phase::kRelaying && !client_->body_done() &&
                                      !upstream_->pending() && !send_over_ && !tunnel_);
  const bool client_owes = client_owes_body || client_->pending();

  std::optional<TimePoint> deadline = request_deadline_;
  const auto earlier = [&](TimePoint other) { deadline = deadline ? std::min(*deadline, other) : other; };
  // Where both sides stream (a gRPC watch whose client only listens) a silent client holds up nothing: how
  // long both may be silent is what the rule's idle timeout says.
  const bool both_stream = client_owes && response_begun_ && !response_over_ && !client_->pending();
  pace_.update(now, client_owes && !both_stream, moved_bytes(), settings.body_rate_min);
  body_deadline_.reset();
  if (client_owes) {
    const Duration patience = both_stream ? plan_->extras().idle_timeout.value_or(settings.body_timeout)
                                          : patience_with_body(settings);
    // At once: bytes that drip faster than timers tick would put it off for ever.
    if (patience == Duration{0}) return on_body_deadline();
    body_deadline_ = now + patience;
    earlier(*body_deadline_);
  }
  if (phase_ == Phase::kParked) earlier(started_ + limits::kHopPatience);
  if (phase_ == Phase::kQueued || phase_ == Phase::kConnecting || phase_ == Phase::kBackingOff)
    earlier(wait_until_);
  const bool tries = (phase_ == Phase::kConnecting || phase_ == Phase::kRelaying) && !tunnel_;
  if (tries && try_timeout_) earlier(try_started_ + *try_timeout_);
  if (phase_ == Phase::kRelaying) {
    const bool has_idle_timeout = plan_->extras().idle_timeout && (tunnel_ || response_begun_);
    if (request_outlives_response() && !client_owes && !passes_tls())
      earlier(now + limits::kLingerTimeout);
    else if (has_idle_timeout && (tunnel_ || !client_owes))
      earlier(now + *plan_->extras().idle_timeout);
    else if (tunnel_)
      earlier(now + limits::kTunnelIdleTimeout);
    else if (!client_owes && (response_begun_ || !rule_bounds_response()))
      earlier(now + response_patience_);
  }
  if (deadline)
    bench_.loop.timers().arm(*this, *deadline);
  else
    cancel();
}

// The shard's patience with a backend that says nothing is for rules that have none of their own.
bool Exchange::rule_bounds_response() const { return request_deadline_ || try_timeout_; }

// A call of gRPC that the client streams has messages when there is something to say, at whatever pace.
bool Exchange::behind_pace() const {
  const bool calls = !client_->pending() && phase_ != Phase::kBuffering && l7::speaks_grpc(request_);
  return pace_.behind() > Duration{0} && !calls;
}

uint64_t Exchange::moved_bytes() const { return request_body_bytes_ + client_->sent_bytes(); }

Duration Exchange::patience_with_body(const contract::ShardSettings& settings) const {
  const Duration lost = behind_pace() ? pace_.behind() : Duration{0};
  return std::max(settings.body_timeout - lost, Duration{0});
}

void Exchange::abort_upstream() {
  leave_queue();
  outstanding_.reset();
  if (!upstream_) return;
  upstream_->abort();
  upstream_ = nullptr;
}

// Both ends hear of it last: the leg may hand the client's next request to this exchange at once.
void Exchange::finish() {
  outstanding_.reset();
  if (upstream_) upstream_->finish();
  upstream_ = nullptr;
  log_and_count();
  let_go();
  ClientLeg& client = *client_;
  client_ = nullptr;
  bench_.exchanges.give(*this);
  client.finish();
}

// Of what others wait for, until this exchange is somebody's again.
void Exchange::let_go() {
  cancel();
  running_.reset();
  filters_ = {};
  compressor_.reset();
  pipe_.reset();
  buffer_.clear();
  leave_mirrors();
  plan_.reset();
}

void Exchange::abort() {
  unpark();
  abort_upstream();
  log_and_count();
  let_go();
  ClientLeg& client = *client_;
  client_ = nullptr;
  bench_.exchanges.give(*this);
  client.abort();
}

}  // namespace headgate::shard
