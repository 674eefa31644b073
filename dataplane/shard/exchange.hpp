// SPDX-License-Identifier: Apache-2.0
// Exchange: one request and its response, from the whole head to the last byte. One state machine with one
// owner (the thread's Slab; its client connection refers to it until it ends):
//
//   begin → kChoosing → kConnecting → kRelaying → done
//               ↑____________|____________|          a try failed and another may be made
//   any ─────────────────────────────→ kAnswering → done      by ourselves: 4xx, 5xx
//
// run() is the only place where it moves on and the only place where it ends; what is called from there
// returns a Step and touches nothing afterwards. Both bodies stream at once in kRelaying, one piece in flight
// in each direction: the next is read when the last is written, which is the backpressure. The first piece of
// a request stays in the head's block until the end, so a try can be made again. Thread: one.
#pragma once

#include <optional>
#include <string_view>

#include "dataplane/l7/forwarded.hpp"
#include "dataplane/l7/tables.hpp"
#include "dataplane/shard/block.hpp"
#include "dataplane/shard/client_connection.hpp"
#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/http1/body.hpp"
#include "dataplane/shard/http1/head_scanner.hpp"
#include "dataplane/shard/outbox.hpp"

namespace headgate::shard {

class UpstreamConnection;
struct AccessRecord;

class Exchange final : public Timer {
 public:
  enum class Phase : uint8_t { kChoosing, kConnecting, kRelaying, kAnswering };

  explicit Exchange(Workbench& bench) : bench_(bench) {}

  // `head` is whole from head_begin to head_end; what is behind belongs to the body or the next request.
  void begin(ClientConnection& client, BlockPtr head, std::size_t head_begin, std::size_t head_end);
  // Where there is no whole head to parse.
  void begin_refusal(ClientConnection& client, BlockPtr head, http1::Fault fault);
  void begin_header_timeout(ClientConnection& client, BlockPtr head);

  void on_client_events();
  void on_body_deadline();
  void on_connected();
  void on_connect_failed();
  void on_upstream_events();

 protected:
  void on_deadline() override;

 private:
  enum class [[nodiscard]] Step : uint8_t{
      kWait,      // for an event
      kGoOn,      // the phase has changed
      kFinished,  // the response is written whole
      kAborted    // the client must see that it is not
  };
  // What became of the bytes on their way in one direction.
  enum class [[nodiscard]] Flow : uint8_t{kMoved, kBlocked, kOver, kFailed};

  void run();
  Step step();

  // exchange.cpp: life and deadlines
  void reset(ClientConnection& client, BlockPtr head);
  void update_deadlines();
  void finish();
  void abort();
  void end_upstream(bool clean);
  void log_and_count();
  AccessRecord record() const;

  // exchange_route.cpp: what is to be done with the request
  void route();
  void refuse(http1::Fault fault);
  void refuse(l7::Outcome outcome);
  void answer(Ending ending, uint16_t status, std::string_view detail);
  Step choose_upstream();
  Step open_upstream(const l7::PoolEndpoint& endpoint);
  void start_sending();

  // exchange_request.cpp: client → backend
  Flow pump_request();
  Flow next_request_piece();
  Flow read_request_body();
  void queue_request_piece(std::string_view data, bool done);
  bool may_send_again() const;

  // exchange_response.cpp: backend → client
  Step relay();
  Step pump_response();
  Step take_response_bytes();
  Step take_response_head();
  Step begin_response();
  Step begin_tunnel();
  void queue_response_piece(std::string_view data, bool done);
  Step take_response_end();
  Step upstream_failed(Ending ending);
  Step malformed_response();

  Workbench& bench_;
  ClientConnection* client_ = nullptr;
  Phase phase_ = Phase::kChoosing;
  Ending ending_ = Ending::kCompleted;
  std::string_view detail_;  // of the ending, for the log
  Arena arena_;

  // the request
  BlockPtr head_block_;
  std::size_t rest_begin_ = 0;  // in head_block_: what the head and the body have not taken
  l7::RequestHead request_;
  l7::ForwardedFacts facts_;
  std::string_view head_text_;  // serialised, the same for every try
  http1::BodyReader request_body_;
  http1::BodyWriter request_writer_;
  std::string_view first_data_;  // of the body, in head_block_; sent again by another try
  bool first_done_ = false;
  bool beyond_first_ = false;  // pieces were read that are gone: no other try
  bool request_broken_ = false;
  BlockPtr body_block_;
  std::size_t body_begin_ = 0;
  uint64_t request_body_bytes_ = 0;
  Outbox to_upstream_;

  // the way
  l7::RoutePlanPin plan_;
  std::string_view listener_name_;
  const l7::PoolIdentity* pool_ = nullptr;  // lives as long as plan_
  l7::TriedEndpoints tried_;
  l7::OutstandingRequest outstanding_;
  UpstreamConnection* upstream_ = nullptr;
  std::string_view endpoint_text_;
  unsigned tries_ = 0;
  bool met_stale_ = false;
  bool send_over_ = false;   // the backend takes no more of the request
  bool bytes_sent_ = false;  // of this try

  // the response
  l7::ResponseHead response_;
  BlockPtr response_block_;
  std::size_t response_begin_ = 0;
  http1::HeadScanner response_scanner_;
  http1::BodyReader response_body_;
  http1::BodyWriter response_writer_;
  bool response_partial_ = false;  // what stands in the block is the beginning of a head
  bool response_seen_ = false;     // a byte of it: no other try
  bool response_begun_ = false;    // its head went to the client
  bool upstream_clean_ = false;    // may serve another exchange after this one
  bool keep_alive_ = true;
  bool tunnel_ = false;
  unsigned interim_responses_ = 0;
  Outbox to_client_;

  // for deadlines and the log
  TimePoint started_;
  TimePoint try_started_;
  TimePoint response_started_;
  std::optional<TimePoint> request_deadline_;
  uint16_t status_ = 0;
  uint64_t sent_bytes_ = 0;
};

}  // namespace headgate::shard
