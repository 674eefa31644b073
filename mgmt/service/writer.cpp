// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/writer.hpp"

#include "dataplane/core/limits.hpp"

namespace headgate::service {

Writer::Writer(std::function<TimePoint(TimePoint now)> on_wake)
    : on_wake_(std::move(on_wake)), thread_([this] { run(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Writer::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= limits::kApiExchangesMax) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void Writer::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (!jobs_.empty()) {
      const auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      lock.lock();
    }
    if (stopping_) return;
    lock.unlock();
    const auto next = on_wake_(monotonic_now());
    lock.lock();
    wake_.wait_until(lock, next, [this] { return stopping_ || !jobs_.empty(); });
  }
}

}  // namespace headgate::service
