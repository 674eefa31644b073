// SPDX-License-Identifier: Apache-2.0
// SharedTally: how many of something each key holds at once, over all threads of a process, in memory of a
// fixed size whatever the number of keys. A count-min sketch of two rows (Cormode and Muthukrishnan, "An
// Improved Data Stream Summary"): it never counts too few, and too many only for a key that shares a cell of
// both rows. Threads: any; a try is two locked additions, and the counts order nothing else.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace headgate::crossing {

template <std::size_t Cells>
class SharedTally {
  static_assert((Cells & (Cells - 1)) == 0 && Cells <= (std::size_t{1} << 32));

 public:
  SharedTally() : rows_(std::make_unique<Rows>()) {}

  // One more of the key whose hash this is, unless it holds `max` already. What it let in must leave().
  [[nodiscard]] bool enter(uint64_t hash, uint32_t max) {
    auto& first = cell(0, hash);
    auto& second = cell(1, hash);
    const uint32_t held_first = first.fetch_add(1, std::memory_order_relaxed);
    const uint32_t held_second = second.fetch_add(1, std::memory_order_relaxed);
    if (held_first < max || held_second < max) return true;
    leave(hash);
    return false;
  }
  void leave(uint64_t hash) {
    cell(0, hash).fetch_sub(1, std::memory_order_relaxed);
    cell(1, hash).fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  using Rows = std::array<std::array<std::atomic<uint32_t>, Cells>, 2>;

  // The rows take halves of the hash that have nothing in common.
  std::atomic<uint32_t>& cell(std::size_t row, uint64_t hash) {
    return (*rows_)[row][(row == 0 ? hash : hash >> 32) & (Cells - 1)];
  }

  std::unique_ptr<Rows> rows_;
};

}  // namespace headgate::crossing
