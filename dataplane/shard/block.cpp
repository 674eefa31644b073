// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/block.hpp"

namespace headgate::shard {

BlockPool::FreeList* BlockPool::list_for(std::size_t capacity_bytes) {
  if (capacity_bytes == limits::kSmallBlockBytes) return &small_;
  if (capacity_bytes == limits::kLargeBlockBytes) return &large_;
  return nullptr;
}

BlockPtr BlockPool::take(std::size_t capacity_bytes) {
  if (capacity_bytes <= limits::kSmallBlockBytes)
    capacity_bytes = limits::kSmallBlockBytes;
  else if (capacity_bytes <= limits::kLargeBlockBytes)
    capacity_bytes = limits::kLargeBlockBytes;
  FreeList* const list = list_for(capacity_bytes);
  if (list && !list->empty()) {
    BlockPtr block(list->back().release(), BlockReturn{this});
    list->pop_back();
    block->filled_bytes = 0;
    return block;
  }
  auto fresh = std::make_unique<Block>();
  fresh->bytes = std::make_unique_for_overwrite<char[]>(capacity_bytes);
  fresh->capacity_bytes = capacity_bytes;
  return {fresh.release(), BlockReturn{this}};
}

void BlockPool::free_kept() {
  small_ = FreeList();
  large_ = FreeList();
}

void BlockReturn::operator()(Block* block) const {
  std::unique_ptr<Block> owned(block);
  auto* const list = pool->list_for(owned->capacity_bytes);
  if (list && list->size() < limits::kFreeBlocksMax) list->push_back(std::move(owned));
}

}  // namespace headgate::shard
