// SPDX-License-Identifier: Apache-2.0
// Store: the one writer of one SQLite database: revisions of every configured object (append-only), who may
// change them, and who did. A second Store on the same file is refused. Thread: any; writes run one after the
// other, each reader() sees one state and waits for no writer. What fails stores nothing, and the store goes
// on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/core/result.hpp"
#include "db/store/access.hpp"
#include "db/store/reader.hpp"
#include "db/store/write.hpp"

namespace headgate::db {

struct StoreOptions {
  std::function<int64_t()> now_ms;  // Unix time; empty: the system's clock
};

class Store {
 public:
  // Creates the file (0600) where it is missing, migrates it, checks it. The message says what to do.
  static Result<Store> open(const std::string& path, StoreOptions options = {});
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  WriteResult write(const Write& write);
  // One consistent state for as long as it lives; give it back soon, it keeps the write-ahead log from
  // shrinking.
  Result<Reader> reader() const;

  // --- tokens; kNotFound, kConflict as the names say
  // Creates it (secret_sha256 needed) or changes role, namespaces and expiry; a given secret replaces the old
  // one. Nothing happens where a condition fails: kConflict (must_not_exist), kNotFound (must_exist),
  // kInvalid (no secret for a new one). precondition.revision is compared with the token's generation.
  Result<Token> put_token(const std::string& author, const Token& token,
                          const std::optional<std::string>& secret_sha256, const Precondition& precondition);
  Result<void> remove_token(const std::string& author, const std::string& name,
                            const Precondition& precondition);

  // --- the installation's own secrets, in no revision; replaces one of the same name.
  Result<void> put_cluster_secret(const std::string& name, const SealedSecret& secret);

  // An action upon an object that changes nothing stored, for the audit log.
  Result<void> record_action(const std::string& author, const std::string& verb, Kind kind,
                             const std::string& name);

  // --- nodes. A new enrolment replaces an unused one; the node must exist.
  Result<void> put_enrolment(const std::string& author, const std::string& node,
                             const std::string& token_sha256, int64_t expires_at_ms);
  // Ends the enrolment and stores the node's credential in one step, so that a token works once.
  // kPermission where there is no such enrolment for this node or it has expired.
  Result<void> enrol(const std::string& node, const std::string& token_sha256,
                     const std::string& credential_sha256);

 private:
  struct State;
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::db
