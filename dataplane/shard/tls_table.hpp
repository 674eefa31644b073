// SPDX-License-Identifier: Apache-2.0
// TlsTable: at which addresses of a shard clients must speak TLS, and the door of each; how TLS is spoken to
// the backends of which pools. Immutable; published with the l7 tables as one ServedTables, so that a thread
// never routes by one revision and shows certificates of another. Threads: made and freed by control, read by
// any.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "dataplane/core/ip_address.hpp"
#include "dataplane/l7/tables.hpp"
#include "dataplane/tls/client_context.hpp"
#include "dataplane/tls/door.hpp"

namespace headgate::shard {

struct TlsTable {
  using ContextPtr = std::shared_ptr<const tls::ClientContext>;

  std::map<Endpoint, std::shared_ptr<const tls::Door>> doors;
  std::map<std::string, ContextPtr, std::less<>> backends;  // by Pool::uid; null: TLS that cannot be spoken

  // Null: plain. Counted by whoever keeps it: a connection, once.
  std::shared_ptr<const tls::Door> door(const Endpoint& reached) const {
    const auto found = doors.find(reached);
    return found == doors.end() ? nullptr : found->second;
  }

  // Null: plain, or TLS that cannot be spoken for now.
  const ContextPtr& backend(const l7::PoolEndpoint& endpoint) const {
    static const ContextPtr kNone;
    if (endpoint.tls_name.empty()) return kNone;
    const auto found = backends.find(endpoint.pool->uid);
    return found == backends.end() ? kNone : found->second;
  }
};

struct ServedTables {
  std::unique_ptr<const l7::Tables> l7;
  std::shared_ptr<const TlsTable> tls;  // never null
};

}  // namespace headgate::shard
