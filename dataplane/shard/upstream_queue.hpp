// SPDX-License-Identifier: Apache-2.0
// UpstreamQueue: the exchanges of one thread that wait for a connection to a pool whose breaker lets no more
// be opened, a lane a pool, first in, first out. It is told when a connection idles or closes and wakes the
// first at the end of the turn, never inside the exchange that let go. Deadlines are the exchanges' own.
// Thread: one. A place is left before its exchange ends.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "dataplane/core/linked_queue.hpp"
#include "dataplane/l7/upstream_cells.hpp"
#include "dataplane/shard/event_loop.hpp"

namespace headgate::shard {

class Exchange;

// An exchange's place in a lane.
class QueuePlace final : public QueueLink {
 public:
  explicit QueuePlace(Exchange& exchange) : exchange_(exchange) {}

 private:
  friend class UpstreamQueue;
  Exchange& exchange_;
  uint32_t pool_slot_ = 0;
};

class UpstreamQueue final : public Handler {
 public:
  UpstreamQueue(EventLoop& loop, l7::PoolRow& pools) : loop_(loop), pools_(pools) {}

  // `in_front`: it was woken, and what there was is gone again.
  void join(QueuePlace& place, uint32_t pool_slot, bool in_front);
  void leave(QueuePlace& place);
  // A connection of the pool idles now, or is gone.
  void freed(uint32_t pool_slot);

  void on_events(uint32_t epoll_events) override;  // wakes

 protected:
  void on_deadline() override {}

 private:
  struct Lane {
    LinkedQueue<QueuePlace> places;
    bool freed = false;
  };
  void wake(uint32_t pool_slot);

  EventLoop& loop_;
  l7::PoolRow& pools_;
  std::deque<Lane> lanes_;  // by pool slot
  std::vector<uint32_t> freed_;
  std::vector<uint32_t> waking_;
};

}  // namespace headgate::shard
