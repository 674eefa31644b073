// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/mirror.hpp"

#include <algorithm>
#include <cstring>

#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void Mirror::start(const Start& what, Mirror*& owner) {
  owner_ = &owner;
  upstream_ = nullptr;
  connected_ = response_begun_ = send_over_ = first_is_queued_ = end_queued_ = false;
  arena_.reset();
  l7::copy_request(what.request, arena_, request_);
  request_.expect_continue = false;  // nobody waits for its 100
  body_whole_ = request_.framing == l7::BodyFraming::kNone ||
                (request_.framing == l7::BodyFraming::kLength && request_.content_length == 0);
  end_queued_ = body_whole_;
  plan_ = bench_.state.pin(what.plan);
  bench_.counters.add(Counter::kMirrors);
  bench_.loop.timers().arm(*this, bench_.loop.now() + limits::kMirrorTimeout);
  if (!connect(what)) return fail(l7::TryResult::kConnectFailure);
  if (connected_) run();
}

// To an endpoint that its pool lets it have now.
bool Mirror::connect(const Start& what) {
  const auto* const pool = bench_.tables->pools.find(what.pool);
  if (!pool) return false;
  auto& cell = bench_.state.pools.cell(what.pool.slot);
  if (!l7::admits_request(pool->limits, cell)) return false;
  running_ = l7::RunningRequest(cell);
  const auto choice = bench_.state.choose(*bench_.tables, what.pool, {},
                                          {.now = bench_.loop.now(), .random = bench_.random.next()});
  if (choice.outcome != l7::Outcome::kFound) return false;
  const auto& endpoint = *choice.endpoint;
  const UpstreamPool::Opening opening{bench_.tls->backend(endpoint), what.proxy_header};
  if (!endpoint.tls_name.empty() && !opening.tls) return false;
  outstanding_ = bench_.state.outstanding(endpoint);
  upstream_ = bench_.upstreams.take_idle(endpoint, opening, *this);
  connected_ = upstream_ != nullptr;
  if (connected_) {
    upstream_->queue_head(request_, arena_);
    return true;
  }
  if (!bench_.upstreams.can_join(endpoint, opening) &&
      l7::admit_connect(pool->limits, cell, false) != l7::ConnectVerdict::kConnect)
    return false;
  ConnectionRules rules;
  rules.exchanges_max = pool->object->circuit_breaker.requests_per_connection_max;
  if (pool->object->idle_timeout) rules.idle_timeout = *pool->object->idle_timeout;
  upstream_ = bench_.upstreams.connect(endpoint, opening, *this, rules);
  return upstream_ != nullptr;
}

void Mirror::feed(std::string_view data, bool end_of_body) {
  if (waiting_bytes_ + data.size() > limits::kMirrorBodyBytesMax) {
    bench_.counters.add(Counter::kMirrorsCutOff);
    return end();
  }
  waiting_bytes_ += data.size();
  body_whole_ = body_whole_ || end_of_body;
  while (!data.empty()) {
    const bool may_grow = waiting_.size() > (first_is_queued_ ? 1u : 0u);  // what is queued stays as it is
    if (!may_grow || waiting_.back()->room().empty())
      waiting_.push_back(bench_.blocks.take(
          data.size() <= limits::kSmallBlockBytes ? limits::kSmallBlockBytes : limits::kLargeBlockBytes));
    const auto room = waiting_.back()->room();
    const std::size_t taken_bytes = std::min(room.size(), data.size());
    std::memcpy(room.data(), data.data(), taken_bytes);
    waiting_.back()->filled_bytes += taken_bytes;
    data.remove_prefix(taken_bytes);
  }
  if (connected_) run();
}

void Mirror::leave() {
  owner_ = nullptr;
  if (body_whole_) return;
  bench_.counters.add(Counter::kMirrorsCutOff);
  end();
}

void Mirror::abort() {
  if (!plan_) return;
  bench_.counters.add(Counter::kMirrorsCutOff);
  end();
}

void Mirror::on_connected() {
  connected_ = true;
  upstream_->queue_head(request_, arena_);
  run();
}

void Mirror::on_connect_failed() {
  bench_.counters.add_upstream(upstream_->tls_failure());
  bench_.counters.add(Counter::kUpstreamConnectFailures);
  fail(l7::TryResult::kConnectFailure);
}

void Mirror::on_upstream_events() { run(); }

void Mirror::on_deadline() {
  bench_.counters.add(Counter::kMirrorsCutOff);
  end();
}

void Mirror::run() {
  if (!connected_) return;
  if (!send()) return fail(l7::TryResult::kGatewayFailure);
  for (unsigned pieces = 0; pieces < limits::kReadsPerTurnMax; ++pieces)
    if (!receive()) return;
  upstream_->again();
}

void Mirror::queue_front() {
  first_is_queued_ = true;
  end_queued_ = body_whole_ && waiting_.size() == 1;
  upstream_->queue({.data = waiting_.front()->text_from(0), .end = end_queued_});
}

// As much as the backend takes. Bounded by what waits.
bool Mirror::send() {
  while (!send_over_) {
    if (upstream_->pending()) {
      const Flow flow = upstream_->flush();
      if (flow == Flow::kBlocked) return true;
      send_over_ = flow == Flow::kFailed;  // it may have answered: the response decides
      continue;
    }
    if (first_is_queued_) {
      waiting_bytes_ -= waiting_.front()->filled_bytes;
      waiting_.pop_front();
      first_is_queued_ = false;
    }
    if (!waiting_.empty()) {
      queue_front();
    } else if (body_whole_ && !end_queued_) {
      end_queued_ = true;
      upstream_->queue({.data = {}, .end = true});
    } else {
      return true;
    }
  }
  return true;
}

// Passes over what has come of the answer.
bool Mirror::receive() {
  BodyPiece passed_over;
  const Flow flow = response_begun_ ? upstream_->read(passed_over) : upstream_->read_head(response_);
  if (flow == Flow::kBlocked) return false;
  if (flow != Flow::kMoved || response_.status == 101) {
    fail(l7::TryResult::kGatewayFailure);
    return false;
  }
  if (!response_begun_ && response_.status < 200) return true;
  response_begun_ = true;
  if (!upstream_->body_done()) return true;
  bench_.counters.add(Counter::kMirrorsAnswered);
  upstream_->finish();
  upstream_ = nullptr;
  end();
  return false;
}

void Mirror::fail(l7::TryResult result) {
  if (const auto* endpoint = outstanding_.get())
    (void)bench_.state.report(*bench_.tables, *endpoint, result, bench_.loop.now());
  bench_.counters.add(Counter::kMirrorsFailed);
  end();
}

void Mirror::end() {
  cancel();
  outstanding_.reset();
  if (upstream_) upstream_->abort();
  upstream_ = nullptr;
  running_.reset();
  plan_.reset();
  waiting_.clear();
  waiting_bytes_ = 0;
  if (owner_) *owner_ = nullptr;
  owner_ = nullptr;
  bench_.mirrors.give(*this);
}

}  // namespace headgate::shard
