// SPDX-License-Identifier: Apache-2.0
// Depths: which numbers of elements the keys of a table have, and how many keys each. A look-up for the
// longest match tries only those, so its cost is bound by what is configured and not by what a client sends.
// A plain value; control thread changes it before it is published.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::l7 {

class Depths {
 public:
  bool empty() const { return counts_.empty(); }
  std::size_t deepest() const { return counts_.front().depth; }  // not of an empty one

  // Deepest first; stops where the visitor returns true.
  template <typename Visitor>
  void visit_from(std::size_t depth_max, Visitor&& visit) const {
    for (const auto& count : counts_)
      if (count.depth <= depth_max && visit(std::size_t{count.depth})) return;
  }

  void add(std::size_t depth) {
    const auto at = place_of(depth);
    if (at != counts_.end() && at->depth == depth) {
      ++at->keys;
    } else {
      counts_.insert(at, {static_cast<uint32_t>(depth), 1});
    }
  }
  void remove(std::size_t depth) {
    const auto at = place_of(depth);
    if (--at->keys == 0) counts_.erase(at);
  }

 private:
  struct Count {
    uint32_t depth;
    uint32_t keys;
  };
  std::vector<Count>::iterator place_of(std::size_t depth) {
    return std::find_if(counts_.begin(), counts_.end(),
                        [&](const Count& count) { return count.depth <= depth; });
  }

  std::vector<Count> counts_;  // deepest first
};

}  // namespace headgate::l7
