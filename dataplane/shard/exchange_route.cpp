// SPDX-License-Identifier: Apache-2.0
// Exchange: what is to be done with the request: answered by ourselves, or sent to which endpoint.
#include <algorithm>

#include "dataplane/l7/grpc.hpp"
#include "dataplane/l7/hash_key.hpp"
#include "dataplane/l7/path.hpp"
#include "dataplane/shard/own_response.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {
namespace {

// A request of HTTP/1.0 that names no host is for what it reached (RFC 9112 section 3.3); with an empty Host,
// as balancers' checks would be passed on, backends refuse it and end the connection.
void name_host(l7::RequestHead& request, const Endpoint& reached, std::string_view scheme, Arena& arena) {
  const auto& address = reached.address;
  if (address.is_unspecified()) return;
  request.host = arena.copy(address.is_v6() ? "[" + address.to_string() + "]" : address.to_string());
  if (reached.port != (scheme == "https" ? 443 : 80)) request.port = reached.port;
}

}  // namespace

void Exchange::route() {
  if (bench_.pressure.memory_is_short()) {
    client_->close_after();
    return answer(Ending::kOverloaded, 503, "memory_short");
  }
  if (request_.method == l7::Method::kConnect) {
    client_->close_after();  // what follows the head is for the tunnel that we do not make
    return answer(Ending::kNotImplemented, 501, "connect");
  }
  if (client_->connection().is_hop()) {
    read_hop_context();
    if (phase_ == Phase::kAnswering) return;
  }
  if (request_.upgrade_websocket && request_.version == l7::Version::kHttp2) add_websocket_key();
  find_route();
}

// Once, but for what is parked: then with each new tables.
void Exchange::find_route() {
  const auto* const listener = find_listener();
  if (!listener || (!passes_tls() && !read_request(*listener))) return;
  const auto match = l7::Router::match(*listener, request_);
  if (match.outcome != l7::Outcome::kFound) return not_routed(match.outcome);
  send_by(*listener, match);
}

// Null: there is none, which is dealt with.
const l7::RoutedListener* Exchange::find_listener() {
  const ClientConnection& connection = client_->connection();
  const auto* listener = connection.is_hop()
                             ? find_hop_listener()
                             : bench_.tables->router.listener(connection.reached(), request_.host);
  if (!listener) {
    not_routed(connection.is_hop() ? l7::Outcome::kNoHopListener
                                   : bench_.tables->router.without_listener(connection.reached()));
    return nullptr;
  }
  listener_name_ = arena_.copy(listener->object->name);
  reached_ = connection.is_hop() ? Endpoint{listener->object->address, listener->object->port}
                                 : connection.reached();
  return listener;
}

// What it says of its path and client, as the listener has it. False: it is answered.
bool Exchange::read_request(const l7::RoutedListener& listener) {
  const ClientConnection& connection = client_->connection();
  if (misdirected(listener)) return refuse(l7::Outcome::kMisdirected), false;
  if (request_.host.empty()) name_host(request_, reached_, connection.scheme(), arena_);
  if (request_.form != l7::TargetForm::kAsterisk) {
    const auto normal = l7::normalise_path(request_.path, listener.object->escaped_slash, arena_);
    if (!normal.ok()) {
      client_->close_after();  // malformed on purpose, most likely: nothing that follows is listened to
      return refuse(l7::Outcome::kBadPath), false;
    }
    request_.path = normal.path;
  }
  if (!connection.is_hop()) facts_ = resolve_client(*listener.object);
  l7::set_forwarded(request_.headers, facts_);
  if (listener.object->forwarded_header) l7::add_forwarded(request_.headers, facts_, arena_);
  enter_trace();
  return true;
}

l7::ForwardedFacts Exchange::resolve_client(const contract::Listener& listener) {
  const ClientConnection& connection = client_->connection();
  l7::ClientSide side{connection.peer(), connection.peer_text(), connection.scheme(),
                      connection.reached().port, listener.trusted_proxies};
  side.forwards_certificate = listener.tls && listener.tls->forward_certificate;
  if (const auto* identity = connection.tls_client()) {
    side.certificate = {.name = identity->name, .sha256 = identity->fingerprint, .field = {}};
    if (side.forwards_certificate) side.certificate.field = connection.stream().tls().peer_certificate();
  }
  return l7::resolve_forwarded(request_, side, {bench_.random.next(), bench_.random.next()}, arena_);
}

void Exchange::send_by(const l7::RoutedListener& listener, const l7::RouteMatch& match) {
  const l7::Tables& tables = *bench_.tables;
  phase_ = Phase::kChoosing;
  plan_ = bench_.state.pin(*match.plan);
  if (plan_->extras().request_timeout) request_deadline_ = started_ + *plan_->extras().request_timeout;
  const uint64_t body_bytes_max = tables.settings->body_bytes_max;
  if (body_bytes_max != 0 && request_.content_length > body_bytes_max)
    return answer(Ending::kBodyTooLarge, 413, {});
  auto choice = affine_forward();  // by the cookie as the client sent it
  if (enter_filters(listener, *match.match)) return;
  if (choice.outcome != l7::Outcome::kFound) choice = bench_.state.choose(*plan_);
  if (choice.outcome != l7::Outcome::kFound) return refuse(choice.outcome);
  if (enter_forward_filters(choice.policy, *match.match)) return;
  pool_ = choice.pool;
  const auto* pool = tables.pools.find(*pool_);
  if (pool && !pool->object->hop_to.empty()) pass_on(listener);
  start_mirrors(plan_->extras().mirrors);
  start_mirrors(*choice.mirrors);
  if (const auto* rule = filters_.chain.buffer_request()) begin_buffering(*rule);
}

// RFC 9110 section 15.5.20. What a client was let in by (its certificate, a version) it was let in to one
// listener by, and to the hosts that the certificate it saw stands for.
bool Exchange::misdirected(const l7::RoutedListener& listener) const {
  const Stream& stream = client_->connection().stream();
  if (!stream.has_tls()) return false;
  return stream.tls().listener() != listener.uid || !stream.tls().would_serve(request_.host);
}

void Exchange::refuse(http1::Fault fault) {
  bench_.counters.add(fault);
  client_->break_off();  // where the next message would begin, nobody can tell
  answer(Ending::kMalformed, http1::status_of(fault), http1::name_of(fault));
}

void Exchange::refuse(l7::Outcome outcome) {
  bench_.counters.add(outcome);
  answer(Ending::kNotRouted, l7::http_status(outcome), l7::name_of(outcome));
}

// By ourselves, in place of a backend. A body that has arrived with the head is passed over; one that has not
// is not waited for: the connection closes after the answer.
void Exchange::answer(Ending ending, uint16_t status, std::string_view detail) {
  detail_ = detail;
  OwnResponse own(status, detail.empty() ? name_of(ending) : detail, arena_);
  answer_with(ending, own.head, own.body);
}

void Exchange::answer_with(Ending ending, l7::ResponseHead& head, std::string_view body) {
  ending_ = ending;
  status_ = head.status;  // in log and counters also where a gRPC client gets 200, as with all its errors
  phase_ = Phase::kAnswering;
  if (passes_tls()) return answer_by_alert(head.status);
  client_->pass_over();
  const bool by_grpc = head.status >= 400 && l7::speaks_grpc(request_);
  if (by_grpc) l7::tell_by_grpc(head, body, arena_);
  filter_response(head);
  note_response(head);
  // RFC 9110 section 8.6; a head alone is all that gRPC gets.
  head.has_content_length = !by_grpc && head.status != 204 && head.status != 304;
  head.framing = head.has_content_length ? l7::BodyFraming::kLength : l7::BodyFraming::kNone;
  head.content_length = body.size();
  client_->queue_head(head);
  const bool without_body = request_.method == l7::Method::kHead || !head.has_content_length;
  client_->queue({.data = without_body ? std::string_view{} : body, .end = true});
}

Exchange::Step Exchange::choose_upstream() {
  const auto& pools = bench_.tables->pools;
  const l7::ServingPool* const pool = pools.find(*pool_);
  if (!running_ && pool) {
    auto& cell = bench_.state.pools.cell(pool_->slot);
    if (!l7::admits_request(pool->limits, cell)) return give_up(l7::Outcome::kPoolRequestsFull);
    running_ = l7::RunningRequest(cell);
    balance_.key = pool->object->algorithm == contract::Algorithm::kMaglev
                       ? l7::hash_key_of(pool->object->hash, request_, facts_.client)
                       : std::nullopt;
  }
  balance_.now = bench_.loop.now();
  balance_.random = bench_.random.next();
  const auto choice = tries_ < limits::kTriesMax
                          ? bench_.state.choose(*bench_.tables, *pool_, tried_, balance_)
                          : l7::EndpointChoice{l7::Outcome::kAllBackendsTried, nullptr};
  if (choice.outcome == l7::Outcome::kFound) return open_upstream(*choice.endpoint);
  if (choice.outcome == l7::Outcome::kAllBackendsTried && retry_all_again()) return Step::kGoOn;
  return give_up(choice.outcome);
}

Exchange::Step Exchange::give_up(l7::Outcome outcome) {
  if (tries_ == 0) {
    refuse(outcome);
  } else {
    bench_.counters.add(outcome);
    const auto tls = outcome == l7::Outcome::kAllBackendsTried ? tls_detail() : std::string_view();
    answer(Ending::kBackendUnreachable, l7::http_status(outcome), tls.empty() ? l7::name_of(outcome) : tls);
  }
  return Step::kGoOn;
}

void Exchange::note_tls_failure(tls::HandshakeFailure failure) {
  tls_failure_ = failure;
  if (failure != tls::HandshakeFailure::kNone) bench_.counters.add_upstream(failure);
}

// Empty where the last try did not fail by TLS.
std::string_view Exchange::tls_detail() {
  if (tls_failure_ == tls::HandshakeFailure::kNone) return {};
  return arena_.join({"tls_", tls::name_of(tls_failure_)});
}

Exchange::Step Exchange::open_upstream(const l7::PoolEndpoint& endpoint) {
  const auto& pool = *bench_.tables->pools.find(*pool_);
  const auto& cell = bench_.state.pools.cell(pool_->slot);
  const bool first = in_turn_ || cell.waiting == 0;  // who comes new stands behind those who wait
  // After a stale connection comes a new one: its neighbours may be stale as well.
  const bool of_its_own = passes_tls();  // an idle one has spoken already, and TLS is the client's
  const UpstreamTickets::ContextPtr none;
  const UpstreamPool::Opening opening{
      of_its_own ? none : bench_.tls->backend(endpoint),
      endpoint.proxy_protocol ? proxy_header(*endpoint.proxy_protocol) : hop_header_};
  upstream_ = first && unread_tries_ == 0 && !of_its_own
                  ? bench_.upstreams.take_idle(endpoint, opening, *this)
                  : nullptr;
  if (!upstream_ && (of_its_own || !bench_.upstreams.can_join(endpoint, opening))) {
    auto verdict = l7::admit_connect(pool.limits, cell, in_turn_);
    if (verdict == l7::ConnectVerdict::kWait && first && bench_.upstreams.close_one_idle(pool))
      verdict = l7::ConnectVerdict::kConnect;
    if (verdict == l7::ConnectVerdict::kRefuse) return give_up(l7::Outcome::kPoolQueueFull);
    if (verdict == l7::ConnectVerdict::kWait) return enter_queue(pool);
  }
  in_turn_ = false;
  if (tries_ > 0) bench_.counters.add(Counter::kRetries);
  ++tries_;
  try_started_ = bench_.loop.now();
  set_patience(*pool.object);
  endpoint_text_ = arena_.copy(endpoint.text);
  outstanding_ = bench_.state.outstanding(endpoint);
  if (!upstream_) return connect_upstream(endpoint, opening, *pool.object);
  phase_ = Phase::kRelaying;
  start_sending();
  return Step::kGoOn;
}

// What the rule allows a try, the second tier counts: it may read the request whole before it begins one.
// Here it is a bound for a tier that hangs, and so no less than what that one's shard allows.
void Exchange::set_patience(const contract::Pool& pool) {
  const auto& extras = plan_->extras();
  const bool passes_on = !pool.hop_to.empty();
  try_timeout_ = passes_on ? std::nullopt : std::optional<Duration>(extras.backend_request_timeout);
  response_patience_ =
      pool.response_timeout.value_or(bench_.tables->settings->response_timeout) * extras.tries_beyond_hop;
  if (passes_on && extras.backend_request_timeout)
    response_patience_ = std::max<Duration>(response_patience_, *extras.backend_request_timeout);
}

Exchange::Step Exchange::connect_upstream(const l7::PoolEndpoint& endpoint,
                                          const UpstreamPool::Opening& opening, const contract::Pool& pool) {
  ConnectionRules rules;
  rules.exchanges_max = pool.circuit_breaker.requests_per_connection_max;
  if (pool.idle_timeout) rules.idle_timeout = *pool.idle_timeout;
  rules.bytes_only = passes_tls();
  // Never plain in its place.
  const bool tls_is_broken = !rules.bytes_only && !endpoint.tls_name.empty() && !opening.tls;
  if (!tls_is_broken) upstream_ = bench_.upstreams.connect(endpoint, opening, *this, rules);
  if (upstream_) {
    phase_ = Phase::kConnecting;
    wait_until_ = try_started_ +
                  (pool.connect_timeout ? *pool.connect_timeout : bench_.tables->settings->connect_timeout);
    return Step::kWait;
  }
  note_tls_failure(tls_is_broken ? tls::HandshakeFailure::kNotConfigured : tls::HandshakeFailure::kNone);
  bench_.counters.add(Counter::kUpstreamConnectFailures);
  report(l7::TryResult::kConnectFailure);
  tried_.add(endpoint);
  outstanding_.reset();
  return Step::kGoOn;
}

}  // namespace headgate::shard
