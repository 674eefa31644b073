// SPDX-License-Identifier: Apache-2.0
// Exchange: which trace it is part of. Without tracing, what the request says of it passes as any field does.
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

// Once the sender is known for one who is believed or not; over the hop, the first tier has decided.
void Exchange::enter_trace() {
  const auto& tracing = bench_.tables->settings->tracing;
  if (!tracing || trace_) return;
  const bool believed = client_->connection().is_hop() ? context_.trace_believed : facts_.peer_trusted;
  trace_ = l7::enter_trace(request_.headers, believed, tracing->sample_percent,
                           {bench_.random.next(), bench_.random.next(), bench_.random.next()}, arena_);
}

}  // namespace headgate::shard
