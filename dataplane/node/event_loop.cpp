// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/event_loop.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/epoll.h>

#include "dataplane/core/assert.hpp"

namespace headgate::node {
namespace {

constexpr std::size_t kEventsPerTurn = 64;

}  // namespace

EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (this == &other) return *this;
  end();
  loop_ = std::exchange(other.loop_, nullptr);
  id_ = other.id_;
  fd_ = other.fd_;
  return *this;
}

void EventLoop::Watch::end() {
  if (loop_ == nullptr) return;
  // The fd may be closed already (curl closes its own): then the kernel has forgotten it.
  ::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_DEL, fd_, nullptr);
  std::exchange(loop_, nullptr)->watches_.erase(id_);
}

void EventLoop::Watch::change(uint32_t epoll_events) {
  HG_ASSERT(loop_ != nullptr);
  epoll_event event{.events = epoll_events, .data = {.u64 = id_}};
  HG_ASSERT(::epoll_ctl(loop_->epoll_.get(), EPOLL_CTL_MOD, fd_, &event) == 0);
}

EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
  if (this == &other) return *this;
  end();
  loop_ = std::exchange(other.loop_, nullptr);
  key_ = other.key_;
  return *this;
}

void EventLoop::Timer::end() {
  if (loop_ != nullptr) std::exchange(loop_, nullptr)->timers_.erase(key_);
}

EventLoop::EventLoop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) { HG_ASSERT(epoll_); }

EventLoop::Watch EventLoop::watch(int fd, uint32_t epoll_events, OnReady on_ready) {
  const uint64_t id = ++last_id_;
  epoll_event event{.events = epoll_events, .data = {.u64 = id}};
  HG_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  watches_.emplace(id, std::make_shared<OnReady>(std::move(on_ready)));
  return Watch(*this, id, fd);
}

EventLoop::Timer EventLoop::after(Duration delay, OnTime on_time) {
  // From the real time, not the turn's: a slow turn must not shorten the wait that it starts.
  const Timer::Key key{monotonic_now() + std::max(delay, Duration::zero()), ++last_id_};
  timers_.emplace(key, std::move(on_time));
  return Timer(*this, key);
}

void EventLoop::run() {
  stopped_ = false;
  while (!stopped_) turn(std::chrono::hours(1));
}

void EventLoop::turn(Duration wait_max) {
  now_ = monotonic_now();
  Duration wait = wait_max;
  if (!timers_.empty()) wait = std::min(wait, timers_.begin()->first.first - now_);
  // Rounded up: waking a fraction of a millisecond early would spin until the timer is due.
  const auto wait_ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Duration::zero()));
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(wait_ms.count()));
  HG_ASSERT(count >= 0 || errno == EINTR);
  now_ = monotonic_now();
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    const auto found = watches_.find(event.data.u64);
    if (found == watches_.end()) continue;  // ended by a callback of this very turn
    const std::shared_ptr<OnReady> on_ready = found->second;
    (*on_ready)(event.events);
  }
  call_due_timers();
}

void EventLoop::call_due_timers() {
  // Up to now_ only: a timer that arms itself anew with no delay waits for the next turn.
  while (!timers_.empty() && timers_.begin()->first.first <= now_) {
    const OnTime on_time = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    on_time();
  }
}

}  // namespace headgate::node
