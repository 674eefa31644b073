// SPDX-License-Identifier: Apache-2.0
// EventLoop: epoll and timers of headgate-node. One thread runs it and calls everything registered with it. A
// Watch or Timer ends when its handle is destroyed, also from inside a callback; no callback comes after
// that. The loop outlives its handles.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <utility>

#include "dataplane/core/clock.hpp"
#include "dataplane/core/unique_fd.hpp"

namespace headgate::node {

class EventLoop {
 public:
  using OnReady = std::function<void(uint32_t epoll_events)>;
  using OnTime = std::function<void()>;

  class Watch {  // borrows the fd: end it before the fd is closed
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept
        : loop_(std::exchange(other.loop_, nullptr)), id_(other.id_), fd_(other.fd_) {}
    Watch& operator=(Watch&& other) noexcept;
    ~Watch() { end(); }
    void end();
    void change(uint32_t epoll_events);
    bool active() const { return loop_ != nullptr; }

   private:
    friend class EventLoop;
    Watch(EventLoop& loop, uint64_t id, int fd) : loop_(&loop), id_(id), fd_(fd) {}
    EventLoop* loop_ = nullptr;
    uint64_t id_ = 0;
    int fd_ = -1;
  };

  class Timer {
   public:
    Timer() = default;
    Timer(Timer&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)), key_(other.key_) {}
    Timer& operator=(Timer&& other) noexcept;
    ~Timer() { end(); }
    void end();
    bool active() const { return loop_ != nullptr && loop_->timers_.contains(key_); }

   private:
    friend class EventLoop;
    using Key = std::pair<TimePoint, uint64_t>;
    Timer(EventLoop& loop, Key key) : loop_(&loop), key_(key) {}
    EventLoop* loop_ = nullptr;
    Key key_{};
  };

  EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  [[nodiscard]] Watch watch(int fd, uint32_t epoll_events, OnReady on_ready);
  [[nodiscard]] Timer after(Duration delay, OnTime on_time);
  // Read once a turn: what happens in one turn happens at one time.
  TimePoint now() const { return now_; }

  void run();  // until stop()
  void stop() { stopped_ = true; }
  void turn(Duration wait_max);  // waits for events or the next timer, calls what is due

 private:
  void call_due_timers();

  UniqueFd epoll_;
  TimePoint now_ = monotonic_now();
  bool stopped_ = false;
  uint64_t last_id_ = 0;
  // Held shared: a callback may end its own watch and must not be destroyed while it runs.
  std::unordered_map<uint64_t, std::shared_ptr<OnReady>> watches_;
  std::map<Timer::Key, OnTime> timers_;
};

}  // namespace headgate::node
