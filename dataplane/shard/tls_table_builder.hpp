// SPDX-License-Identifier: Apache-2.0
// TlsTableBuilder: makes the next TlsTable from a delta or from secrets that have come; what neither concerns
// stays as it is, down to the SSL context. A certificate without its key, or broken, is a problem() and harms
// its own names, or the pools that show it, only. Thread: control. Outlives every table and every connection
// that holds a door: the last reference to a door is the builder's, so none is freed by a thread that serves.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/contract/snapshot.hpp"
#include "dataplane/shard/backend_contexts.hpp"
#include "dataplane/shard/tls_material.hpp"
#include "dataplane/shard/tls_table.hpp"

namespace headgate::shard {

class TlsTableBuilder {
 public:
  using TablePtr = std::shared_ptr<const TlsTable>;

  TlsTableBuilder() = default;
  TlsTableBuilder(const TlsTableBuilder&) = delete;
  TlsTableBuilder& operator=(const TlsTableBuilder&) = delete;

  // Each returns the table from now on: the same pointer where nothing has changed.
  TablePtr apply(const contract::Delta& delta, int64_t unix_ms);
  TablePtr add(contract::Secrets secrets, int64_t unix_ms);
  const TablePtr& table() const { return table_; }

  void keep_current(int64_t unix_ms);  // the ticket keys; often enough: once a second
  void reclaim();                      // doors and contexts that no connection and no table holds any more
  std::string problems() const;        // sentences for an operator; empty: none

 private:
  struct Served {
    std::shared_ptr<const tls::ServerContext> context;
    std::vector<std::string> problems;
  };

  void forget_objects();
  void take(const contract::Upsert& upsert);
  void remove(const contract::ObjectKey& key);
  void update_tickets(int64_t unix_ms);
  bool concerned(const contract::Listener& listener) const;
  void forget_secrets();
  TablePtr rebuild();
  void serve(const contract::Listener& listener);
  void rebuild_table();

  TlsMaterial material_;
  ByUid<contract::Listener> listeners_;  // those with https that end here
  std::string ticket_secret_;            // its digest
  std::shared_ptr<tls::TicketKeys> tickets_;
  std::map<std::string, Served, std::less<>> served_;  // by the listener's uid

  Uids changed_listeners_;  // what the next rebuild() has to look at
  BackendContexts backends_;

  TablePtr table_ = std::make_shared<const TlsTable>();
  std::vector<std::shared_ptr<const tls::Door>> doors_;  // all that may still be held
};

}  // namespace headgate::shard
