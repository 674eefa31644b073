// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/upstream_queue.hpp"

#include "dataplane/core/assert.hpp"
#include "dataplane/shard/exchange.hpp"

namespace headgate::shard {

void UpstreamQueue::join(QueuePlace& place, uint32_t pool_slot, bool in_front) {
  HG_ASSERT(!place.waits_);
  if (pool_slot >= lanes_.size()) lanes_.resize(pool_slot + 1);
  auto& lane = lanes_[pool_slot];
  place.waits_ = true;
  place.pool_slot_ = pool_slot;
  place.prev_ = in_front ? nullptr : lane.last;
  place.next_ = in_front ? lane.first : nullptr;
  (place.prev_ ? place.prev_->next_ : lane.first) = &place;
  (place.next_ ? place.next_->prev_ : lane.last) = &place;
  ++pools_.cell(pool_slot).waiting;
}

void UpstreamQueue::leave(QueuePlace& place) {
  if (!place.waits_) return;
  auto& lane = lanes_[place.pool_slot_];
  (place.prev_ ? place.prev_->next_ : lane.first) = place.next_;
  (place.next_ ? place.next_->prev_ : lane.last) = place.prev_;
  place.prev_ = place.next_ = nullptr;
  place.waits_ = false;
  --pools_.cell(place.pool_slot_).waiting;
}

void UpstreamQueue::freed(uint32_t pool_slot) {
  if (pool_slot >= lanes_.size()) return;
  auto& lane = lanes_[pool_slot];
  if (!lane.first || lane.freed) return;
  lane.freed = true;
  freed_.push_back(pool_slot);
  loop_.again(*this);
}

void UpstreamQueue::on_events(uint32_t) {
  waking_.swap(freed_);
  for (const uint32_t pool_slot : waking_) wake(pool_slot);
  waking_.clear();
}

// Until one finds nothing free and stands in front again.
void UpstreamQueue::wake(uint32_t pool_slot) {
  lanes_[pool_slot].freed = false;
  while (QueuePlace* const place = lanes_[pool_slot].first) {
    leave(*place);
    place->exchange_.on_turn();
    if (lanes_[pool_slot].first == place) return;
  }
}

}  // namespace headgate::shard
