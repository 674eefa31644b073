// SPDX-License-Identifier: Apache-2.0
// TimerWheel: the deadlines of one thread. Arming and cancelling cost a few instructions, because almost
// every deadline is moved before it comes. A hashed wheel: a deadline past one turn waits in its slot for
// the turn that it belongs to (Varghese and Lauck, scheme 6). Fires at most one tick late. Thread: one; a
// Timer outlives its time in the wheel, its destructor takes it out.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/core/clock.hpp"

namespace headgate::shard {

class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { cancel(); }

  bool armed() const { return next_ != nullptr; }
  void cancel();

 protected:
  virtual void on_deadline() = 0;

 private:
  friend class TimerWheel;
  Timer* prev_ = nullptr;
  Timer* next_ = nullptr;
  uint64_t tick_ = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(TimePoint now);
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  void arm(Timer& timer, TimePoint deadline);  // also moves one that is armed
  // Calls on_deadline() of all that are due; they are cancelled before.
  void advance(TimePoint now);
  // How long until the next could be due; -1: none is armed. For epoll_wait.
  int wait_ms(TimePoint now);

 private:
  static constexpr uint64_t kTickMs = 8;
  static constexpr std::size_t kSlots = 1024;  // a turn: 8.2 s
  struct Head final : Timer {
    void on_deadline() override {}
  };
  uint64_t next_used(uint64_t tick);  // the first tick from there on whose slot holds a timer, or kNoTick
  static constexpr uint64_t kNoTick = UINT64_MAX;
  static void link_before(Timer& place, Timer& timer);
  uint64_t tick_of(TimePoint at) const;
  void run_slot(std::size_t slot, uint64_t now_tick);

  TimePoint start_;
  uint64_t done_tick_ = 0;  // all up to here have fired
  std::array<Head, kSlots> slots_;
  std::array<uint64_t, kSlots / 64> maybe_used_{};  // a bit a slot; a stale 1 is cleared when it is met
};

}  // namespace headgate::shard
