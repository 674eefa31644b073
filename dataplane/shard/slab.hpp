// SPDX-License-Identifier: Apache-2.0
// Slab<T>: objects of one thread that are used again and again and never move: connections, exchanges. Its
// memory grows to the most that were in use at once and stays. Thread: one.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

namespace headgate::shard {

template <typename T>
class Slab {
 public:
  // `arguments` construct it where no free one is left; the caller opens it either way.
  template <typename... Arguments>
  T& take(Arguments&... arguments) {
    ++in_use_;
    if (free_.empty()) return all_.emplace_back(arguments...);
    T& object = *free_.back();
    free_.pop_back();
    return object;
  }
  void give(T& object) {
    --in_use_;
    free_.push_back(&object);
  }
  std::size_t in_use() const { return in_use_; }
  template <typename Each>
  void for_each(Each&& each) {
    for (auto& object : all_) each(object);
  }

 private:
  std::deque<T> all_;
  std::vector<T*> free_;
  std::size_t in_use_ = 0;
};

}  // namespace headgate::shard
