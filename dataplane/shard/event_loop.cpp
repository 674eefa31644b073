// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/event_loop.hpp"

#include <algorithm>
#include <cerrno>

namespace headgate::shard {

Result<std::unique_ptr<EventLoop>> EventLoop::make() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return system_error(errno, "making an epoll set");
  return std::make_unique<EventLoop>(std::move(epoll));
}

EventLoop::EventLoop(UniqueFd epoll) : epoll_(std::move(epoll)) {}

bool EventLoop::add_stream(int fd, Handler& handler) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

bool EventLoop::add_readable(int fd, Handler& handler) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

// Of all that wait one is woken, not the herd.
bool EventLoop::add_shared(int fd, Handler& handler) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void EventLoop::remove(int fd) { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

void EventLoop::again(Handler& handler) {
  if (handler.again_) return;
  handler.again_ = true;
  again_.push_back(&handler);
}

void EventLoop::wait(int wait_ms) {
  ready_count_ = ::epoll_wait(epoll_.get(), ready_.data(), static_cast<int>(ready_.size()), wait_ms);
  now_ = monotonic_now();
}

void EventLoop::dispatch() {
  running_.swap(again_);
  for (int i = 0; i < ready_count_; ++i)
    static_cast<Handler*>(ready_[static_cast<std::size_t>(i)].data.ptr)
        ->on_events(ready_[static_cast<std::size_t>(i)].events);
  for (Handler* const handler : running_) {
    handler->again_ = false;
    handler->on_events(0);
  }
  running_.clear();
  timers_.advance(now_);
  end_turn();
  for (std::size_t i = 0; i < retired_.size(); ++i) {
    Handler& handler = *retired_[i];
    if (handler.again_) std::erase(again_, &handler);
    if (handler.at_turn_end_) std::erase(turn_end_, &handler);
    handler.again_ = handler.at_turn_end_ = false;
    handler.cancel();
    handler.on_retired();
  }
  retired_.clear();
}

// Whoever is named meanwhile waits for the next turn: two sessions that feed each other would not end it.
void EventLoop::end_turn() {
  ending_.swap(turn_end_);
  for (Handler* const handler : ending_) {
    handler->at_turn_end_ = false;
    handler->on_turn_end();
  }
  ending_.clear();
}

}  // namespace headgate::shard
