// SPDX-License-Identifier: Apache-2.0
// Block: memory that bytes of a socket are read into; BlockPool: keeps free ones for the next, so that a
// steady state never allocates and the hottest memory is used again first. Small ones hold a request's head,
// large ones a piece of a body, and only while it is on its way: an idle connection holds none. Thread: one;
// the pool outlives its blocks.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/core/limits.hpp"

namespace headgate::shard {

class BlockPool;

struct Block {
  std::unique_ptr<char[]> bytes;
  std::size_t capacity_bytes = 0;
  std::size_t filled_bytes = 0;

  std::span<char> room() { return {bytes.get() + filled_bytes, capacity_bytes - filled_bytes}; }
  std::span<char> from(std::size_t begin_bytes) {
    return {bytes.get() + begin_bytes, filled_bytes - begin_bytes};
  }
  std::string_view text_from(std::size_t begin_bytes) const {
    return {bytes.get() + begin_bytes, filled_bytes - begin_bytes};
  }
};

struct BlockReturn {
  BlockPool* pool = nullptr;
  void operator()(Block* block) const;
};
using BlockPtr = std::unique_ptr<Block, BlockReturn>;

class BlockPool {
 public:
  // At least that large. Sizes over kLargeBlockBytes are for heads that an operator allows: never kept.
  BlockPtr take(std::size_t capacity_bytes);
  void free_kept();

 private:
  friend struct BlockReturn;
  using FreeList = std::vector<std::unique_ptr<Block>>;
  FreeList* list_for(std::size_t capacity_bytes);

  FreeList small_;
  FreeList large_;
};

}  // namespace headgate::shard
