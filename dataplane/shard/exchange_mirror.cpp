// SPDX-License-Identifier: Apache-2.0
// Exchange: the copies of its request that go to other pools.
#include "dataplane/l7/mirror.hpp"
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// A WebSocket is no message that could be copied.
void Exchange::start_mirrors(const std::vector<l7::PlannedMirror>& planned) {
  if (request_.upgrade_websocket) return;
  for (const auto& each : planned) {
    if (!l7::is_mirrored(each.percent, bench_.random.next())) continue;
    if (mirror_count_ == mirrors_.size() || bench_.mirrors.in_use() >= limits::kMirrorsMax) {
      bench_.counters.add(Counter::kMirrorsSpared);
      continue;
    }
    const auto* const pool = bench_.tables->pools.find(*each.pool);
    const auto version = pool ? pool->object->proxy_protocol : std::nullopt;
    Mirror*& held = mirrors_[mirror_count_++];
    held = &bench_.mirrors.take(bench_);
    held->start({request_, *plan_, *each.pool, version ? proxy_header(*version) : std::string_view{}}, held);
  }
}

void Exchange::feed_mirrors(const BodyPiece& piece) {
  for (std::size_t i = 0; i < mirror_count_; ++i)
    if (mirrors_[i]) mirrors_[i]->feed(piece.data, piece.end);
}

void Exchange::leave_mirrors() {
  for (std::size_t i = 0; i < mirror_count_; ++i)
    if (Mirror* const mirror = std::exchange(mirrors_[i], nullptr)) mirror->leave();
  mirror_count_ = 0;
}

}  // namespace headgate::shard
