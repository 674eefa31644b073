// SPDX-License-Identifier: Apache-2.0
// Exchange: what is to be done with the request: answered by ourselves, or sent to which endpoint.
#include "dataplane/l7/path.hpp"
#include "dataplane/shard/own_response.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void Exchange::route() {
  keep_alive_ = request_.keep_alive && !bench_.draining;
  request_body_.start(request_.framing, request_.content_length);
  if (request_.method == l7::Method::kConnect) {
    keep_alive_ = false;  // what follows the head is for the tunnel that we do not make
    return answer(Ending::kNotImplemented, 501, "connect");
  }
  const l7::Tables& tables = *bench_.tables;
  const auto* listener = tables.router.listener(client_->reached(), request_.host);
  if (!listener) return refuse(l7::Outcome::kNoListener);
  listener_name_ = arena_.copy(listener->object->name);
  if (request_.form != l7::TargetForm::kAsterisk) {
    const auto normal = l7::normalise_path(request_.path, listener->object->escaped_slash, arena_);
    if (!normal.ok()) {
      keep_alive_ = false;  // malformed on purpose, most likely: nothing that follows is listened to
      return refuse(l7::Outcome::kBadPath);
    }
    request_.path = normal.path;
  }
  facts_ = l7::resolve_forwarded(request_,
                                 {client_->peer(), client_->peer_text(), "http", client_->reached().port,
                                  listener->object->trusted_proxies},
                                 {bench_.random.next(), bench_.random.next()}, arena_);
  l7::set_forwarded(request_.headers, facts_);

  const auto match = l7::Router::match(*listener, request_);
  if (match.outcome != l7::Outcome::kFound) return refuse(match.outcome);
  plan_ = bench_.state.pin(*match.plan);
  if (plan_->request_timeout) request_deadline_ = started_ + *plan_->request_timeout;
  const uint64_t body_bytes_max = tables.settings->body_bytes_max;
  if (body_bytes_max != 0 && request_.content_length > body_bytes_max)
    return answer(Ending::kBodyTooLarge, 413, {});
  const auto choice = bench_.state.choose(*plan_);
  if (choice.outcome != l7::Outcome::kFound) return refuse(choice.outcome);
  pool_ = choice.pool;

  char* const head = arena_.allocate(http1::request_bytes_max(request_));
  char* const head_end = http1::write_request(request_, head);
  arena_.shrink_last(head_end);
  head_text_ = {head, static_cast<std::size_t>(head_end - head)};
  request_writer_.start(request_.framing);
}

void Exchange::refuse(http1::Fault fault) {
  bench_.counters.add(fault);
  keep_alive_ = false;  // where the next message would begin, nobody can tell
  request_broken_ = true;
  answer(Ending::kMalformed, http1::status_of(fault), http1::name_of(fault));
}

void Exchange::refuse(l7::Outcome outcome) {
  bench_.counters.add(outcome);
  answer(Ending::kNotRouted, l7::http_status(outcome), l7::name_of(outcome));
}

// By ourselves, in place of a backend. A body that has arrived with the head is passed over; one that has not
// is not waited for: the connection closes after the answer.
void Exchange::answer(Ending ending, uint16_t status, std::string_view detail) {
  ending_ = ending;
  detail_ = detail;
  status_ = status;
  phase_ = Phase::kAnswering;
  if (!request_broken_ && !request_body_.done() && !beyond_first_) {
    const auto piece = request_body_.take(head_block_->from(rest_begin_));
    rest_begin_ += piece.consumed_bytes;
    request_broken_ = piece.fault != http1::Fault::kNone;
  }
  keep_alive_ = keep_alive_ && request_body_.done() && !request_broken_;

  const OwnResponse own(status, detail.empty() ? name_of(ending) : detail, arena_);
  const http1::ClientSide side{.version = request_.version,
                               .framing = l7::BodyFraming::kLength,
                               .keep_alive = keep_alive_,
                               .date = bench_.clock.http_date()};
  char* const head = arena_.allocate(http1::response_bytes_max(own.head));
  char* const head_end = http1::write_response(own.head, side, head);
  arena_.shrink_last(head_end);
  to_client_.clear();
  to_client_.add({head, static_cast<std::size_t>(head_end - head)});
  if (request_.method != l7::Method::kHead) to_client_.add(own.body);
}

Exchange::Step Exchange::choose_upstream() {
  const auto choice = tries_ < limits::kTriesMax
                          ? bench_.state.choose(*bench_.tables, *pool_, tried_)
                          : l7::EndpointChoice{l7::Outcome::kAllBackendsTried, nullptr};
  if (choice.outcome == l7::Outcome::kFound) return open_upstream(*choice.endpoint);
  if (tries_ == 0) {
    refuse(choice.outcome);
  } else {
    bench_.counters.add(choice.outcome);
    answer(Ending::kBackendUnreachable, l7::http_status(choice.outcome), l7::name_of(choice.outcome));
  }
  return Step::kGoOn;
}

Exchange::Step Exchange::open_upstream(const l7::PoolEndpoint& endpoint) {
  if (tries_ > 0) bench_.counters.add(Counter::kRetries);
  ++tries_;
  try_started_ = bench_.loop.now();
  endpoint_text_ = arena_.copy(endpoint.text);
  outstanding_ = bench_.state.outstanding(endpoint);
  // After a stale connection comes a new one: its neighbours may be stale as well.
  upstream_ = !met_stale_ ? bench_.upstreams.take_idle(endpoint, *this) : nullptr;
  if (upstream_) {
    phase_ = Phase::kRelaying;
    start_sending();
    return Step::kGoOn;
  }
  upstream_ = bench_.upstreams.connect(endpoint, *this);
  if (upstream_) {
    phase_ = Phase::kConnecting;
    return Step::kWait;
  }
  bench_.counters.add(Counter::kUpstreamConnectFailures);
  tried_.add(endpoint);
  outstanding_.reset();
  return Step::kGoOn;
}

}  // namespace headgate::shard
