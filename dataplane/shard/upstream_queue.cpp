// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/upstream_queue.hpp"

#include "dataplane/shard/exchange.hpp"

namespace headgate::shard {

void UpstreamQueue::join(QueuePlace& place, uint32_t pool_slot, bool in_front) {
  while (pool_slot >= lanes_.size()) lanes_.emplace_back();
  auto& places = lanes_[pool_slot].places;
  place.pool_slot_ = pool_slot;
  in_front ? places.join_in_front(place) : places.join(place);
  ++pools_.cell(pool_slot).waiting;
}

void UpstreamQueue::leave(QueuePlace& place) {
  if (!place.waits()) return;
  static_cast<QueueLink&>(place).leave();
  --pools_.cell(place.pool_slot_).waiting;
}

void UpstreamQueue::freed(uint32_t pool_slot) {
  if (pool_slot >= lanes_.size()) return;
  auto& lane = lanes_[pool_slot];
  if (lane.places.empty() || lane.freed) return;
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
  auto& places = lanes_[pool_slot].places;
  while (QueuePlace* const place = places.first()) {
    leave(*place);
    place->exchange_.on_turn();
    if (places.first() == place) return;
  }
}

}  // namespace headgate::shard
