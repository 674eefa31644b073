// SPDX-License-Identifier: Apache-2.0
// EventLoop: the epoll set, the clock and the deadlines of one thread. Sockets are added once, edge-triggered
// in both directions, and never modified. What ends during a turn is retired: its memory outlives the turn,
// so an event that epoll had handed out already reaches an object that says "closed", never a dead one.
// Thread: one; it outlives its handlers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <sys/epoll.h>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/result.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/shard/timer_wheel.hpp"

namespace headgate::shard {

class Handler : public Timer {
 public:
  virtual void on_events(uint32_t epoll_events) = 0;  // 0: go on where again() was called
  // Where at_turn_end() was called: after all events of the turn.
  virtual void on_turn_end() {}
  // After the turn in which it was retired: nothing of the loop knows it any more; it may be used again.
  virtual void on_retired() {}

 private:
  friend class EventLoop;
  bool again_ = false;
  bool at_turn_end_ = false;
};

class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> make();
  explicit EventLoop(UniqueFd epoll);

  TimePoint now() const { return now_; }
  TimerWheel& timers() { return timers_; }
  void arm(Timer& timer, Duration after) { timers_.arm(timer, now_ + after); }

  [[nodiscard]] bool add_stream(int fd, Handler& handler);    // edge-triggered, in and out
  [[nodiscard]] bool add_readable(int fd, Handler& handler);  // level-triggered, in only
  [[nodiscard]] bool add_shared(int fd, Handler& handler);    // the same, where others wait for it as well
  void remove(int fd);  // where the fd stays open; closing it removes it as well

  // Calls it once more in the next turn: it has used up its share of this one.
  void again(Handler& handler);
  // Once this turn's events are handled, so that what they caused goes out in one write.
  void at_turn_end(Handler& handler) {
    if (handler.at_turn_end_) return;
    handler.at_turn_end_ = true;
    turn_end_.push_back(&handler);
  }
  void retire(Handler& handler) { retired_.push_back(&handler); }

  // One turn. `before_wait` runs only before it blocks, `after_wait` always, before the first handler.
  template <typename Before, typename After>
  void turn(Before&& before_wait, After&& after_wait) {
    const int wait_ms = again_.empty() && turn_end_.empty() ? timers_.wait_ms(now_) : 0;
    if (wait_ms != 0) before_wait();
    wait(wait_ms);
    after_wait();
    dispatch();
  }

 private:
  void wait(int wait_ms);
  void dispatch();
  void end_turn();

  UniqueFd epoll_;
  TimePoint now_ = monotonic_now();
  TimerWheel timers_{now_};
  std::vector<Handler*> again_;
  std::vector<Handler*> running_;
  std::vector<Handler*> turn_end_;
  std::vector<Handler*> ending_;
  std::vector<Handler*> retired_;
  std::array<epoll_event, 256> ready_;
  int ready_count_ = 0;
};

}  // namespace headgate::shard
