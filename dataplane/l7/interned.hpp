// SPDX-License-Identifier: Apache-2.0
// Interned<T>: values of which most are equal to others, each once and shared by all who hold it. T has an
// order. Thread: the control thread; what it gives is const and may be read by any.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <utility>

namespace headgate::l7 {

template <typename T>
class Interned {
 public:
  using Ptr = std::shared_ptr<const T>;

  Ptr get(T value) {
    if (const auto known = known_.find(value); known != known_.end()) return *known;
    if (known_.size() >= prune_above_) prune();
    return *known_.insert(std::make_shared<const T>(std::move(value))).first;
  }
  std::size_t size() const { return known_.size(); }

 private:
  static constexpr std::size_t kPruneAboveMin = 64;

  struct ByValue {
    using is_transparent = void;
    bool operator()(const Ptr& a, const Ptr& b) const { return *a < *b; }
    bool operator()(const Ptr& a, const T& b) const { return *a < b; }
    bool operator()(const T& a, const Ptr& b) const { return a < *b; }
  };

  // Forgets what nobody else holds; as often as the number of them doubles.
  void prune() {
    std::erase_if(known_, [](const Ptr& value) { return value.use_count() == 1; });
    prune_above_ = std::max(kPruneAboveMin, 2 * known_.size());
  }

  std::set<Ptr, ByValue> known_;
  std::size_t prune_above_ = kPruneAboveMin;
};

}  // namespace headgate::l7
