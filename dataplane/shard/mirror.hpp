// SPDX-License-Identifier: Apache-2.0
// Mirror: a copy of one exchange's request on its way to a backend of another pool. What it needs of the head
// it copies at start(); pieces of the body it copies as the exchange reads them, and what waits here for the
// backend is bounded: who can't keep up is cut off, and the exchange never waits. The answer is read to its
// end and thrown away. One try, no retry, no queue; what fails is counted and nobody hears of it.
//
// Law: mirrors = answered + failed + cut off + still running. Thread: one; the Workbench's slab owns it. Its
// exchange holds a reference for as long as the body is on its way: whichever ends first tells the other.
#pragma once

#include <deque>
#include <string_view>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/admission.hpp"
#include "dataplane/l7/tables.hpp"
#include "dataplane/shard/block.hpp"
#include "dataplane/shard/timer_wheel.hpp"
#include "dataplane/shard/upstream_pool.hpp"
#include "dataplane/shard/upstream_user.hpp"

namespace headgate::shard {

struct Workbench;

class Mirror final : public Timer, public UpstreamUser {
 public:
  explicit Mirror(Workbench& bench) : bench_(bench) {}

  struct Start {
    const l7::RequestHead& request;
    const l7::RoutePlan& plan;  // pinned by the exchange
    const l7::PoolIdentity& pool;
    std::string_view proxy_header;  // that its connection begins with; empty: none
  };
  // `owner`: where the exchange holds it; set to null when it has ended.
  void start(const Start& what, Mirror*& owner);
  // The next piece of the body. It may end by it.
  void feed(std::string_view data, bool end);
  // The exchange has ended, or its body is broken.
  void leave();
  // The thread ends.
  void abort();

  void on_connected() override;
  void on_connect_failed() override;
  void on_upstream_events() override;

 protected:
  void on_deadline() override;

 private:
  bool connect(const Start& what);
  void run();
  bool send();     // false: it has failed
  bool receive();  // false: it has ended
  void queue_front();
  void fail(l7::TryResult result);
  void end();

  Workbench& bench_;
  Mirror** owner_ = nullptr;
  Arena arena_;
  l7::RequestHead request_;
  l7::ResponseHead response_;
  l7::RoutePlanPin plan_;
  l7::RunningRequest running_;
  l7::OutstandingRequest outstanding_;
  UpstreamLeg* upstream_ = nullptr;  // null: it is nobody's
  bool connected_ = false;
  bool response_begun_ = false;
  bool send_over_ = false;  // the backend takes no more
  // The body: what waits, in order. The first block may be in the leg.
  std::deque<BlockPtr> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool first_is_queued_ = false;
  bool body_whole_ = false;  // all of it is here, or has been
  bool end_queued_ = false;
};

}  // namespace headgate::shard
