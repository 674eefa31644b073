// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace headgate::shard {

void Timer::cancel() {
  if (!next_) return;
  prev_->next_ = next_;
  next_->prev_ = prev_;
  prev_ = next_ = nullptr;
}

TimerWheel::TimerWheel(TimePoint now) : start_(now) {
  for (auto& head : slots_) head.prev_ = head.next_ = &head;
}

TimerWheel::~TimerWheel() {
  for (auto& head : slots_) {
    while (head.next_ != &head) head.next_->cancel();
    head.prev_ = head.next_ = nullptr;
  }
}

void TimerWheel::link_before(Timer& place, Timer& timer) {
  timer.prev_ = place.prev_;
  timer.next_ = &place;
  place.prev_->next_ = &timer;
  place.prev_ = &timer;
}

uint64_t TimerWheel::tick_of(TimePoint at) const {
  if (at <= start_) return 0;
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(at - start_).count()) /
         kTickMs;
}

void TimerWheel::arm(Timer& timer, TimePoint deadline) {
  const uint64_t tick = std::max(tick_of(deadline), done_tick_) + 1;
  if (timer.armed() && timer.tick_ == tick) return;
  timer.cancel();
  timer.tick_ = tick;
  const std::size_t slot = tick % kSlots;
  maybe_used_[slot / 64] |= uint64_t{1} << (slot % 64);
  link_before(slots_[slot], timer);
}

void TimerWheel::advance(TimePoint now) {
  const uint64_t now_tick = tick_of(now);
  const uint64_t first = done_tick_ + 1;
  done_tick_ = std::max(done_tick_, now_tick);
  // After a long sleep every slot is visited once, not once a turn that was slept through.
  for (uint64_t tick = first; tick <= now_tick && tick < first + kSlots; ++tick)
    run_slot(tick % kSlots, now_tick);
}

void TimerWheel::run_slot(std::size_t slot, uint64_t now_tick) {
  // The due ones move to a list of their own first: on_deadline() may arm, cancel and destroy any timer.
  Head due;
  due.prev_ = due.next_ = &due;
  Head& head = slots_[slot];
  for (Timer* timer = head.next_; timer != &head;) {
    Timer* const next = timer->next_;
    if (timer->tick_ <= now_tick) {
      timer->cancel();
      link_before(due, *timer);
    }
    timer = next;
  }
  while (due.next_ != &due) {
    Timer& timer = *due.next_;
    timer.cancel();
    timer.on_deadline();
  }
  due.prev_ = due.next_ = nullptr;
}

uint64_t TimerWheel::next_used(uint64_t tick) {
  const uint64_t end = tick + kSlots;
  while (tick < end) {
    const std::size_t slot = tick % kSlots;
    uint64_t& word = maybe_used_[slot / 64];
    const uint64_t rest = word >> (slot % 64);
    if (rest == 0) {
      tick += 64 - slot % 64;
      continue;
    }
    tick += static_cast<uint64_t>(std::countr_zero(rest));
    if (tick >= end) break;
    const Head& head = slots_[tick % kSlots];
    if (head.next_ != &head) return tick;
    word &= ~(uint64_t{1} << (tick % kSlots % 64));
  }
  return kNoTick;
}

int TimerWheel::wait_ms(TimePoint now) {
  const uint64_t tick = next_used(done_tick_ + 1);
  if (tick == kNoTick) return -1;
  const auto due = start_ + std::chrono::milliseconds(tick * kTickMs);
  if (due <= now) return 0;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(due - now).count());
}

}  // namespace headgate::shard
