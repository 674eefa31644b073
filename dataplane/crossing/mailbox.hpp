// SPDX-License-Identifier: Apache-2.0
// Mailbox<T>: a bounded queue from one thread to another, without locks (a Lamport ring; indexes on lines of
// their own, each side caching the other's). Threads: post() one producer, take() one consumer. Both outlived
// by it.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/core/assert.hpp"

namespace headgate::crossing {

template <typename T>
class Mailbox {  // NOLINT(clang-analyzer-optin.performance.Padding): each side's index has a line of its own
 public:
  explicit Mailbox(std::size_t capacity) : slots_(capacity), mask_(capacity - 1) {
    HG_ASSERT(std::has_single_bit(capacity));
  }

  // False where it is full: the caller keeps the message and decides.
  [[nodiscard]] bool post(T&& message) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_seen_ == slots_.size()) {
      head_seen_ = head_.load(std::memory_order_acquire);
      if (tail - head_seen_ == slots_.size()) return false;
    }
    slots_[tail & mask_] = std::move(message);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  std::optional<T> take() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_seen_) {
      tail_seen_ = tail_.load(std::memory_order_acquire);
      if (head == tail_seen_) return std::nullopt;
    }
    std::optional<T> message(std::move(slots_[head & mask_]));
    head_.store(head + 1, std::memory_order_release);
    return message;
  }

 private:
  std::vector<T> slots_;
  std::size_t mask_;
  alignas(64) std::atomic<std::size_t> head_{0};  // consumer: writes, producer: reads
  std::size_t tail_seen_ = 0;                     // consumer
  alignas(64) std::atomic<std::size_t> tail_{0};  // producer: writes, consumer: reads
  std::size_t head_seen_ = 0;                     // producer
};

}  // namespace headgate::crossing
