// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/upstream_tickets.hpp"

namespace headgate::shard {

void UpstreamTickets::keep(const l7::PoolEndpoint& endpoint, const ContextPtr& context, tls::Ticket ticket) {
  if (endpoint.slot >= by_slot_.size()) by_slot_.resize(endpoint.slot + 1);
  by_slot_[endpoint.slot] = {context, endpoint.address, endpoint.tls_name, std::move(ticket)};
}

const tls::Ticket& UpstreamTickets::find(const l7::PoolEndpoint& endpoint, const ContextPtr& context) const {
  if (endpoint.slot >= by_slot_.size()) return none_;
  const Held& held = by_slot_[endpoint.slot];
  const bool fits = held.address == endpoint.address && held.tls_name == endpoint.tls_name &&
                    held.context.lock() == context;
  return fits ? held.ticket : none_;
}

}  // namespace headgate::shard
