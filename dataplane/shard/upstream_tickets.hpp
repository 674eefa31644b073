// SPDX-License-Identifier: Apache-2.0
// UpstreamTickets: the newest TLS session that each endpoint has given, for its next connection. Whoever
// resumes is not verified again, so a ticket is good for the same endpoint under the same context alone.
// Thread: one.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/l7/pool_table.hpp"
#include "dataplane/tls/session.hpp"

namespace headgate::shard {

class UpstreamTickets {
 public:
  using ContextPtr = std::shared_ptr<const tls::ClientContext>;

  void keep(const l7::PoolEndpoint& endpoint, const ContextPtr& context, tls::Ticket ticket);
  // Empty where there is none.
  const tls::Ticket& find(const l7::PoolEndpoint& endpoint, const ContextPtr& context) const;

 private:
  struct Held {
    std::weak_ptr<const tls::ClientContext> context;  // a ticket keeps none alive
    Endpoint address;                                 // slots are used again
    std::string tls_name;
    tls::Ticket ticket;
  };
  std::vector<Held> by_slot_;
  tls::Ticket none_;
};

}  // namespace headgate::shard
