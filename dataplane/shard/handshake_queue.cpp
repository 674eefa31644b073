// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/handshake_queue.hpp"

namespace headgate::shard {

bool HandshakeQueue::admits(HandshakePlace& place) {
  if (place.waits()) return false;
  if (left_ > 0 && places_.empty()) return true;
  places_.join(place);
  loop_.again(*this);
  return false;
}

// Who finds that its client has not said enough yet takes nothing of the turn's share.
void HandshakeQueue::on_events(uint32_t) {
  while (left_ > 0 && !places_.empty()) {
    HandshakePlace& place = *places_.first();
    place.leave();
    place.on_handshake_turn();
  }
  if (!places_.empty()) loop_.again(*this);
}

}  // namespace headgate::shard
