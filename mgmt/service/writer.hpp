// SPDX-License-Identifier: Apache-2.0
// Writer: the one thread that changes the configuration and what is known of the nodes. Jobs run one after
// the other; what waits for a moment is looked at when it comes. Threads: post() any; jobs and on_wake its
// own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "dataplane/core/clock.hpp"

namespace headgate::service {

class Writer {
 public:
  using Job = std::function<void()>;

  // on_wake runs after each job and at the moment that it asked for last; it says when it wants to run next.
  explicit Writer(std::function<TimePoint(TimePoint now)> on_wake);
  ~Writer();  // finishes the jobs that are queued

  // False where too many wait already: the caller answers "busy".
  [[nodiscard]] bool post(Job job);

 private:
  void run();

  std::function<TimePoint(TimePoint)> on_wake_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;  // under mutex_, as stopping_
  bool stopping_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace headgate::service
