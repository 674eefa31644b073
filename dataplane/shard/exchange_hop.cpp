// SPDX-License-Identifier: Apache-2.0
// Exchange: what crosses the derived hop (DESIGN section 1): the first tier says who the client is, in a
// field of the request or ahead of TLS that passes through; the second believes it and waits for a route that
// is still on its way.
#include "dataplane/shard/workbench.hpp"

namespace headgate::shard {

void Exchange::pass_on(const l7::RoutedListener& listener) {
  if (passes_tls()) {
    hop_header_ = hop_header(listener);
    return;
  }
  const bool believed = (trace_ || facts_.peer_trusted) && request_.headers.find(l7::HeaderId::kTraceparent);
  l7::pass_on(request_.headers,
              l7::write_hop_context({listener.uid, client_port(), facts_, believed}, arena_));
}

// What the first tier says of the client is taken for what the socket and the request would have said.
void Exchange::read_hop_context() {
  const auto text = l7::hop_context_of(request_.headers);
  const auto context = text ? l7::parse_hop_context(*text, arena_) : std::nullopt;
  if (!context) {
    client_->close_after();
    return refuse(l7::Outcome::kBadHopContext);
  }
  context_ = *context;
  facts_ = context_.facts;
}

const l7::RoutedListener* Exchange::find_hop_listener() {
  const l7::Tables& tables = *bench_.tables;
  const auto* listener = tables.router.hop_listener(context_.listener);
  if (!listener || (listener->object->protocol == contract::Protocol::kTls) != passes_tls()) return nullptr;
  const bool may = bench_.hop.speaks_for(tables.settings->hop_peers, listener->object->hop_from,
                                         client_->connection().peer_uid());
  return may ? listener : nullptr;
}

// Over the hop only what the first tier knows a route for comes in: where we know none, ours is still on its
// way from headgate-node. The request waits for it, for a while.
void Exchange::not_routed(l7::Outcome outcome) {
  if (!client_->connection().is_hop() || bench_.loop.now() >= started_ + limits::kHopPatience)
    return refuse(outcome);
  if (phase_ != Phase::kParked) bench_.counters.add(Counter::kHopWaits);
  phase_ = Phase::kParked;
  parked_outcome_ = outcome;
  bench_.parked.push_back(this);
}

void Exchange::unpark() {
  if (phase_ == Phase::kParked) std::erase(bench_.parked, this);
}

void Exchange::on_new_tables() {
  find_route();
  run();
}

void Exchange::on_patience_over() {
  unpark();
  refuse(parked_outcome_);
  run();
}

}  // namespace headgate::shard
