// SPDX-License-Identifier: Apache-2.0
// Exchange: one request and its response, from the whole head to the last byte. One state machine with one
// owner (the thread's Slab; its client's leg refers to it until it ends):
//
//   begin → [kParked →] [kBuffering →] kChoosing → kConnecting → kRelaying → done
//                                       ↑  ↕  ↑_________|____________|   a try failed and another may be
//                                       made, |  kQueued                   |   the pool's breaker lets no
//                                       more kBackingOff ←────────────────┘   connections be opened, or a
//                                       repetition
//                                                                        waits for its time
//   any ────────────────────────────────────────────→ kAnswering → done  by ourselves: 4xx, 5xx
//
// run() is the only place where it moves on and the only place where it ends; what is called from there
// returns a Step and touches nothing afterwards. It speaks to both sides through legs (client_leg.hpp,
// upstream_leg.hpp) and knows no framing. Both bodies stream at once in kRelaying, one piece in flight in
// each direction: the next is read when the last is written, which is the backpressure. The first piece of a
// request is kept until the end, so a try can be made again; in kBuffering all of its body is, before the
// first try. Thread: one.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "dataplane/l7/admission.hpp"
#include "dataplane/l7/hop_context.hpp"
#include "dataplane/l7/tables.hpp"
#include "dataplane/l7/trace_context.hpp"
#include "dataplane/shard/body_pace.hpp"
#include "dataplane/shard/client_hello.hpp"
#include "dataplane/shard/client_leg.hpp"
#include "dataplane/shard/compressor.hpp"
#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/exchange_filters.hpp"
#include "dataplane/shard/mirror.hpp"
#include "dataplane/shard/pipe.hpp"
#include "dataplane/shard/proxy_header.hpp"
#include "dataplane/shard/request_buffer.hpp"
#include "dataplane/shard/timer_wheel.hpp"
#include "dataplane/shard/traffic_counters.hpp"
#include "dataplane/shard/upstream_leg.hpp"
#include "dataplane/shard/upstream_pool.hpp"
#include "dataplane/shard/upstream_queue.hpp"
#include "dataplane/shard/upstream_user.hpp"

namespace headgate::shard {

struct AccessRecord;
struct Workbench;

class Exchange final : public Timer, public UpstreamUser {
 public:
  enum class Phase : uint8_t {
    kParked,
    kBuffering,
    kChoosing,
    kQueued,
    kConnecting,
    kRelaying,
    kBackingOff,
    kAnswering
  };

  explicit Exchange(Workbench& bench);

  // The leg parses the head of its request into request(), what it needs memory for into arena(), and then
  // says what came of it: one of the two.
  void open(ClientLeg& client);
  void begin(http1::Fault fault);
  void begin_header_timeout();  // there is no whole head to parse
  // TLS that is not to end here: what its ClientHello says stands for the request (exchange_passthrough.cpp).
  void begin_passthrough(const ParsedClientHello& hello);
  l7::RequestHead& request() { return request_; }
  Arena& arena() { return arena_; }

  void on_client_events();
  void on_client_gone();
  void on_new_tables();  // where it is parked
  void on_connected() override;
  void on_connect_failed() override;
  void on_upstream_events() override;
  void on_turn();  // of UpstreamQueue: a connection is to be had

 protected:
  void on_deadline() override;

 private:
  void on_waited();  // in the queue, or for a repetition's time

  enum class [[nodiscard]] Step : uint8_t{
      kWait,      // for an event
      kGoOn,      // the phase has changed
      kFinished,  // the response is written whole
      kAborted    // the client must see that it is not
  };
  void run();
  Step step();

  // exchange.cpp: life and deadlines
  void reset_malformed(http1::Fault fault);
  void on_body_deadline();
  void update_deadlines();
  bool rule_bounds_response() const;
  bool behind_pace() const;
  uint64_t moved_bytes() const;
  Duration patience_with_body(const contract::ShardSettings& settings) const;
  void finish();
  void let_go();
  void abort();
  void abort_upstream();

  // exchange_log.cpp: what its line of the access log says
  void note_request();
  void note_response(const l7::ResponseHead& response);
  const contract::Pool* pool_object() const;
  std::string_view pool_name() const;
  AccessRecord record() const;
  void log_and_count();
  TrafficWay way() const;

  // exchange_route.cpp: what is to be done with the request
  void route();
  void find_route();
  const l7::RoutedListener* find_listener();
  bool read_request(const l7::RoutedListener& listener);
  l7::ForwardedFacts resolve_client(const contract::Listener& listener);
  bool misdirected(const l7::RoutedListener& listener) const;
  void send_by(const l7::RoutedListener& listener, const l7::RouteMatch& match);
  void refuse(http1::Fault fault);
  void refuse(l7::Outcome outcome);
  void answer(Ending ending, uint16_t status, std::string_view detail);
  void answer_with(Ending ending, l7::ResponseHead& head, std::string_view body);
  Step choose_upstream();
  Step open_upstream(const l7::PoolEndpoint& endpoint);
  void set_patience(const contract::Pool& pool);
  Step connect_upstream(const l7::PoolEndpoint& endpoint, const UpstreamPool::Opening& opening,
                        const contract::Pool& pool);
  void note_tls_failure(tls::HandshakeFailure failure);
  std::string_view tls_detail();
  Step give_up(l7::Outcome outcome);
  void start_sending();

  // exchange_proxy.cpp: what backends are told of the client before the first byte of TLS or HTTP
  ProxyHeader header_of_client() const;
  std::string_view proxy_header(contract::ProxyVersion version);
  std::string_view hop_header(const l7::RoutedListener& listener);
  uint16_t client_port() const;

  // exchange_hop.cpp: what crosses the derived hop, as its first tier or its second
  void read_hop_context();
  const l7::RoutedListener* find_hop_listener();
  void pass_on(const l7::RoutedListener& listener);
  void not_routed(l7::Outcome outcome);
  void on_patience_over();
  void unpark();

  // exchange_trace.cpp: which trace it is part of, and its span there
  void enter_trace();
  void leave_trace();
  std::string_view error_type();

  // exchange_filters.cpp: what filters make of request and response
  using FilterStage = l7::policy::ChainVerdict (l7::policy::PolicyChain::*)(const l7::policy::RequestFacts&,
                                                                            l7::RequestHead&,
                                                                            l7::ResponseHead&, Arena&) const;
  bool enter_filters(const l7::RoutedListener& listener, const l7::CompiledMatch& match);
  bool enter_forward_filters(const l7::policy::Policy* policy, const l7::CompiledMatch& match);
  bool filter_request(FilterStage stage, const l7::CompiledMatch& match);
  void filter_response(l7::ResponseHead& response) const;
  void begin_compression();
  Flow read_compressed(BodyPiece& piece);

  // exchange_retry.cpp: what is tried again, what waits, what is learnt of endpoints
  bool can_repeat() const;
  bool retry_on(contract::RetryOn cause);
  bool retry_on_status();
  bool retry_all_again();
  bool may_retry(bool wanted);
  void back_off();
  Step enter_queue(const l7::ServingPool& pool);
  void leave_queue();
  void report(l7::TryResult result);
  l7::ForwardChoice affine_forward();
  void add_affinity_cookie();

  // exchange_request.cpp: client → backend
  Flow pump_request();
  Flow next_request_piece();
  Flow read_from_client(BodyPiece& piece);
  bool request_read() const;
  bool may_send_again() const;
  Step request_failed();

  // exchange_buffer.cpp: a body that is read whole before it is sent
  void begin_buffering(const contract::BufferRequest& rule);
  void ask_for_body();
  Step fill_buffer();
  Step refuse_buffering();
  Step end_buffering();

  // exchange_mirror.cpp: copies of the request for other pools
  void start_mirrors(const std::vector<l7::PlannedMirror>& planned);
  void feed_mirrors(const BodyPiece& piece);
  void leave_mirrors();

  // exchange_websocket.cpp: what becomes a tunnel
  void add_websocket_key();
  bool proves_upgrade();
  bool refuses_websocket() const;
  Step answer_no_websocket(std::string_view detail);
  void answer_connect();
  Step begin_tunnel();
  void open_tunnel();
  bool request_outlives_response() const;

  // exchange_passthrough.cpp: TLS that passes, from its ClientHello on a tunnel
  bool passes_tls() const { return server_name_.has_value(); }
  void answer_by_alert(uint16_t status);
  void record_passthrough(AccessRecord& record) const;

  // exchange_response.cpp: backend → client
  Step relay();
  Step pump_response();
  Step take_response_head();
  Step begin_response();
  Step take_response_piece();
  Flow read_piped(BodyPiece& piece);
  Step upstream_failed(Ending ending);

  Workbench& bench_;
  ClientLeg* client_ = nullptr;
  Phase phase_ = Phase::kChoosing;
  Ending ending_ = Ending::kCompleted;
  std::string_view detail_;  // of the ending, for the log
  Arena arena_;

  // the request
  l7::RequestHead request_;
  l7::ForwardedFacts facts_;
  l7::HopContext context_;                  // of a request that came over the hop
  std::optional<l7::ExchangeTrace> trace_;  // where the shard traces, from the listener on
  Endpoint reached_;
  l7::Outcome parked_outcome_ = l7::Outcome::kFound;
  BodyPiece first_piece_;  // sent again by another try
  bool has_first_ = false;
  bool beyond_first_ = false;  // pieces were read that are gone: no other try
  bool request_broken_ = false;
  uint64_t request_body_bytes_ = 0;
  RequestBuffer buffer_;
  bool buffered_ = false;  // the body is, or will be, in there
  uint64_t buffer_bytes_max_ = 0;
  std::array<Mirror*, limits::kMirrorsPerExchangeMax> mirrors_{};  // null: it has ended
  std::size_t mirror_count_ = 0;

  // of TLS that passes: that it asks for, and what it would speak
  std::optional<std::string_view> server_name_;
  std::string_view alpn_;
  std::string_view hop_header_;  // where another shard serves it

  // the way
  l7::RoutePlanPin plan_;
  ExchangeFilters filters_;
  std::string_view listener_name_;
  const l7::PoolIdentity* pool_ = nullptr;  // lives as long as plan_
  l7::TriedEndpoints tried_;
  l7::OutstandingRequest outstanding_;
  UpstreamLeg* upstream_ = nullptr;
  std::string_view endpoint_text_;
  tls::HandshakeFailure tls_failure_ = tls::HandshakeFailure::kNone;  // of the last try
  unsigned tries_ = 0;
  l7::RunningRequest running_;
  l7::BalanceInput balance_;
  QueuePlace place_{*this};
  bool in_turn_ = false;  // woken by the queue
  TimePoint wait_until_;  // where kQueued or kBackingOff
  TimePoint queued_at_;
  Duration queued_{0};
  unsigned retries_ = 0;    // that the rule asked for
  bool repeating_ = false;  // after a backend has failed: the same one again where there is no other
  bool ejected_ = false;
  std::string_view retry_refused_;
  unsigned unread_tries_ = 0;  // that no backend has read a byte of: outside of the rule's attempts
  bool send_over_ = false;     // the backend takes no more of the request

  // the response
  l7::ResponseHead response_;
  CompressorPool::Lease compressor_;
  bool flushes_ = false;  // the compressor, where nothing more is at hand
  bool pipes_ = false;    // its body goes by a pipe, where there is one
  PipePool::Lease pipe_;  // while it may hold something
  l7::Headers* response_trailers_ = nullptr;
  bool response_begun_ = false;  // its head went to the client
  bool response_over_ = false;   // and its last piece
  bool tunnel_ = false;
  std::string_view websocket_key_;  // ours, of a client that sends none
  unsigned interim_responses_ = 0;

  // for deadlines and the log
  l7::Headers logged_request_;  // those that the log's format has; they live in arena_
  l7::Headers logged_response_;
  TimePoint started_;
  TimePoint try_started_;
  std::optional<Duration> try_timeout_;
  Duration response_patience_{};  // with what serves this try, once it has the request whole
  TimePoint response_started_;
  std::optional<TimePoint> request_deadline_;
  std::optional<TimePoint> body_deadline_;  // while the client owes bytes, or room for them
  BodyPace pace_;
  uint16_t status_ = 0;
};

}  // namespace headgate::shard
