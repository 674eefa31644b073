// SPDX-License-Identifier: Apache-2.0
// HandshakeQueue: which TLS handshakes of one thread begin in a turn. One takes as long as ten requests, most
// of it as it begins: after a few of them the others' requests come first, and the handshakes left over wait
// for the next turns, first come, first served, whatever comes new meanwhile. Thread: one.
#pragma once

#include "dataplane/core/limits.hpp"
#include "dataplane/core/linked_queue.hpp"
#include "dataplane/shard/event_loop.hpp"

namespace headgate::shard {

// Who has a handshake to begin.
class HandshakePlace : public QueueLink {
 public:
  virtual void on_handshake_turn() = 0;  // it may begin, and says so by note_begun() if it did

 protected:
  ~HandshakePlace() = default;
};

class HandshakeQueue final : public Handler {
 public:
  explicit HandshakeQueue(EventLoop& loop) : loop_(loop) {}

  // Whether it may begin at once; if not it waits, and is told.
  bool admits(HandshakePlace& place);
  void note_begun() { left_ -= left_ > 0; }
  void begin_turn() { left_ = limits::kHandshakesPerTurnMax; }

  void on_events(uint32_t epoll_events) override;  // lets in

 protected:
  void on_deadline() override {}

 private:
  EventLoop& loop_;
  LinkedQueue<HandshakePlace> places_;
  unsigned left_ = limits::kHandshakesPerTurnMax;
};

}  // namespace headgate::shard
