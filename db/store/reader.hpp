// SPDX-License-Identifier: Apache-2.0
// Reader: one consistent state of the store, from Store::reader() until it is destroyed; it must not outlive
// its Store. Thread: one at a time. A missing object is no error but an empty optional; errors are the
// storage's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/core/result.hpp"
#include "db/store/access.hpp"
#include "db/store/allocation.hpp"
#include "db/store/object.hpp"

namespace headgate::db {

struct RevisionInfo {
  Revision revision = 0;
  int64_t created_at_ms = 0;
  std::string author;
  std::string summary;

  friend bool operator==(const RevisionInfo&, const RevisionInfo&) = default;
};

struct LabelRequirement {
  std::string key;
  std::string value;
};

// Ordered by namespace, then name. For the next page: `after` = the last object's of this one.
struct ListQuery {
  Kind kind = Kind::kNode;
  std::optional<std::string> namespace_name = {};                 // nothing: every namespace
  std::vector<LabelRequirement> labels = {};                      // all must hold
  std::optional<std::pair<std::string, std::string>> after = {};  // (namespace, name)
  std::size_t limit = 100;
  std::optional<Revision> at = {};  // nothing: now
};

class Reader {
 public:
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;
  ~Reader();

  Revision revision() const;  // that it sees
  Result<std::optional<Object>> get(const ObjectKey& key, std::optional<Revision> at = {});
  Result<std::vector<Object>> list(const ListQuery& query);
  // Every current object, by kind, namespace and name: how headgated loads its model.
  Result<void> each_object(const std::function<void(Object)>& on_object, std::optional<Revision> at = {});
  Result<std::vector<Allocation>> allocations();  // held ones
  // Who names this object.
  Result<std::vector<ObjectKey>> referrers(const ObjectKey& key, std::size_t limit = 100);

  // Newest first; `before`: only older ones than that.
  Result<std::vector<RevisionInfo>> revisions(std::optional<Revision> before, std::size_t limit);
  Result<std::optional<RevisionInfo>> revision_info(Revision revision);
  Result<std::vector<Object>> changed_in(Revision revision);

  Result<std::optional<Token>> token(const std::string& name);
  Result<std::vector<Token>> tokens();
  Result<std::optional<Token>> token_by_secret(const std::string& secret_sha256);  // expired ones too: check
  Result<std::optional<std::string>> node_by_credential(const std::string& credential_sha256);
  // Sealed bytes by their digest; whether there are any; the digest of one of the installation's own.
  Result<std::optional<std::string>> sealed_secret(const std::string& digest);
  Result<bool> has_secrets();
  Result<std::optional<std::string>> cluster_secret(const std::string& name);
  // Newest first; `before`: only smaller numbers than that.
  Result<std::vector<AuditEntry>> audit(std::optional<uint64_t> before, std::size_t limit);

 private:
  friend class Store;
  struct State;
  explicit Reader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::db
