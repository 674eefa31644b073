// SPDX-License-Identifier: Apache-2.0
// BackendContexts: the TLS context of each pool that has one. What is asked for in the same way is one
// context, whichever pools ask, and stays the same one for as long as nothing of it changes: a connection is
// of use only under the context that it was made under. Thread: control. Outlives every table and every
// connection: the last reference to a context is here, so none is freed by a thread that serves.
#pragma once

#include "dataplane/shard/tls_material.hpp"
#include "dataplane/shard/tls_table.hpp"

namespace headgate::shard {

class BackendContexts {
 public:
  void forget_pools();
  void take(const std::shared_ptr<const contract::Pool>& pool);
  void remove(const std::string& pool_uid);

  // True: by_pool() has changed.
  bool rebuild(const TlsMaterial& material);
  const std::map<std::string, TlsTable::ContextPtr, std::less<>>& by_pool() const { return by_pool_; }
  const std::map<std::string, std::string, std::less<>>& problems() const { return problems_; }
  void reclaim();

 private:
  bool concerned(const contract::Pool& pool, const TlsMaterial& material) const;
  Result<TlsTable::ContextPtr> context_for(const contract::Pool& pool, const TlsMaterial& material);

  ByUid<contract::Pool> pools_;  // those with TLS
  Uids changed_;
  std::map<std::string, TlsTable::ContextPtr, std::less<>> by_pool_;
  std::map<std::string, std::string, std::less<>> problems_;  // by the pool's uid: sentences for an operator
  std::map<std::string, TlsTable::ContextPtr> by_fingerprint_;  // all that may still be held
};

}  // namespace headgate::shard
