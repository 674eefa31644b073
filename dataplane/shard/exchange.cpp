// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/exchange.hpp"

#include <algorithm>

#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void Exchange::reset(ClientConnection& client, BlockPtr head) {
  client_ = &client;
  phase_ = Phase::kChoosing;
  ending_ = Ending::kCompleted;
  detail_ = {};
  arena_.reset();
  head_block_ = std::move(head);
  rest_begin_ = 0;
  request_.clear();
  facts_ = {};
  request_body_.start(l7::BodyFraming::kNone, 0);
  first_data_ = {};
  first_done_ = beyond_first_ = request_broken_ = false;
  request_body_bytes_ = 0;
  to_upstream_.clear();
  listener_name_ = endpoint_text_ = {};
  pool_ = nullptr;
  tried_.clear();
  tries_ = 0;
  met_stale_ = send_over_ = bytes_sent_ = false;
  response_partial_ = response_seen_ = response_begun_ = upstream_clean_ = tunnel_ = false;
  keep_alive_ = true;
  interim_responses_ = 0;
  to_client_.clear();
  started_ = try_started_ = response_started_ = bench_.loop.now();
  request_deadline_.reset();
  status_ = 0;
  sent_bytes_ = 0;
  bench_.counters.add(Counter::kRequests);
}

void Exchange::begin(ClientConnection& client, BlockPtr head, std::size_t head_begin, std::size_t head_end) {
  reset(client, std::move(head));
  rest_begin_ = head_end;
  const auto& settings = *bench_.tables->settings;
  const http1::HeadLimits head_limits{settings.header_bytes_max, settings.header_count_max,
                                      settings.target_bytes_max};
  const auto fault = http1::parse_request(head_block_->from(head_begin).first(head_end - head_begin),
                                          head_limits, arena_, request_);
  if (fault == http1::Fault::kNone)
    route();
  else
    refuse(fault);
  run();
}

void Exchange::begin_refusal(ClientConnection& client, BlockPtr head, http1::Fault fault) {
  reset(client, std::move(head));
  refuse(fault);
  run();
}

void Exchange::begin_header_timeout(ClientConnection& client, BlockPtr head) {
  reset(client, std::move(head));
  keep_alive_ = false;
  answer(Ending::kHeaderTimeout, 408, {});
  run();
}

void Exchange::on_client_events() {
  if (client_->stream().failed()) {
    ending_ = Ending::kClientGone;
    return abort();
  }
  run();
}

void Exchange::on_upstream_events() { run(); }

void Exchange::on_connected() {
  phase_ = Phase::kRelaying;
  start_sending();
  run();
}

void Exchange::on_connect_failed() {
  bench_.counters.add(Counter::kUpstreamConnectFailures);
  tried_.add(upstream_->endpoint());
  end_upstream(false);
  phase_ = Phase::kChoosing;
  run();
}

void Exchange::on_body_deadline() {
  ending_ = Ending::kBodyTimeout;
  if (response_begun_ || phase_ == Phase::kAnswering) return abort();
  end_upstream(false);
  keep_alive_ = false;
  answer(Ending::kBodyTimeout, 408, {});
  run();
}

void Exchange::on_deadline() {
  const bool request_is_due = request_deadline_ && bench_.loop.now() >= *request_deadline_;
  if (phase_ == Phase::kConnecting && !request_is_due) return on_connect_failed();
  const Ending ending = request_is_due ? Ending::kRequestTimeout : Ending::kResponseTimeout;
  ending_ = ending;
  if (response_begun_ || phase_ == Phase::kAnswering) return abort();
  end_upstream(false);
  answer(ending, 504, {});
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
    case Phase::kChoosing:
      return choose_upstream();
    case Phase::kConnecting:
      return Step::kWait;
    case Phase::kRelaying:
      return relay();
    case Phase::kAnswering:
      break;
  }
  const IoResult written = to_client_.write_to(client_->stream());
  sent_bytes_ += written.bytes;
  if (written.status == IoStatus::kWouldBlock) return Step::kWait;
  if (written.status == IoStatus::kOk) return Step::kFinished;
  ending_ = Ending::kClientGone;
  return Step::kAborted;
}

// Whoever owes the next byte has the deadline: the client where we read or write it, else the backend.
void Exchange::update_deadlines() {
  const auto& settings = *bench_.tables->settings;
  const bool client_owes_body =
      phase_ == Phase::kRelaying && !request_body_.done() && to_upstream_.empty() && !send_over_ && !tunnel_;
  const bool client_owes = client_owes_body || !to_client_.empty();
  if (client_owes)
    client_->arm_body_deadline();
  else
    client_->clear_body_deadline();

  std::optional<TimePoint> deadline = request_deadline_;
  const auto earlier = [&](TimePoint other) { deadline = deadline ? std::min(*deadline, other) : other; };
  if (phase_ == Phase::kConnecting) earlier(try_started_ + settings.connect_timeout);
  if (phase_ == Phase::kRelaying) {
    if (tunnel_)
      earlier(bench_.loop.now() + limits::kTunnelIdleTimeout);
    else if (!client_owes)
      earlier(bench_.loop.now() + settings.response_timeout);
    if (plan_->backend_request_timeout) earlier(try_started_ + *plan_->backend_request_timeout);
  }
  if (deadline)
    bench_.loop.timers().arm(*this, *deadline);
  else
    cancel();
}

void Exchange::end_upstream(bool clean) {
  outstanding_.reset();
  to_upstream_.clear();
  response_block_.reset();
  if (!upstream_) return;
  if (clean)
    bench_.upstreams.release(*upstream_);
  else
    bench_.upstreams.close(*upstream_);
  upstream_ = nullptr;
}

void Exchange::finish() {
  const bool request_read = request_body_.done() && !request_broken_;
  const bool request_sent = request_read && to_upstream_.empty() && !send_over_;
  end_upstream(upstream_clean_ && request_sent);
  log_and_count();
  cancel();
  plan_.reset();
  auto then = ClientConnection::Then::kKeepAlive;
  if (!request_read || ending_ == Ending::kHeaderTimeout)
    then = ClientConnection::Then::kLinger;
  else if (!keep_alive_)
    then = ClientConnection::Then::kClose;
  BlockPtr rest = std::move(head_block_);
  std::size_t rest_begin = rest_begin_;
  if (body_block_) {
    rest = std::move(body_block_);
    rest_begin = body_begin_;
  }
  ClientConnection& client = *client_;
  client_ = nullptr;
  bench_.exchanges.give(*this);
  client.exchange_done(std::move(rest), rest_begin, then);
}

void Exchange::abort() {
  end_upstream(false);
  log_and_count();
  cancel();
  plan_.reset();
  head_block_.reset();
  body_block_.reset();
  ClientConnection& client = *client_;
  client_ = nullptr;
  bench_.exchanges.give(*this);
  client.exchange_aborted();
}

AccessRecord Exchange::record() const {
  AccessRecord record;
  record.time = bench_.clock.iso_time();
  record.request_id = facts_.request_id;
  record.client = facts_.client_text.empty() ? client_->peer_text() : facts_.client_text;
  record.listener = listener_name_;
  record.method = request_.method_text;
  record.host = request_.host;
  record.path = request_.path;
  record.query = request_.query;
  record.status = status_;
  record.request_body_bytes = request_body_bytes_;
  record.sent_bytes = sent_bytes_;
  record.duration = bench_.loop.now() - started_;
  record.until_response = response_begun_ ? response_started_ - started_ : Duration{0};
  if (plan_) {
    record.namespace_name = plan_->namespace_name;
    record.route = plan_->route;
    record.rule = plan_->rule;
  }
  record.backend = endpoint_text_;
  record.tries = tries_;
  record.ending = name_of(ending_);
  record.detail = detail_;
  return record;
}

void Exchange::log_and_count() {
  bench_.counters.add(ending_);
  if (status_ >= 100) bench_.counters.add_response(status_);
  bench_.counters.add(Counter::kClientRxBytes, request_body_bytes_);
  bench_.counters.add(Counter::kClientTxBytes, sent_bytes_);
  bench_.access_log.write(record());
}

}  // namespace headgate::shard
