// SPDX-License-Identifier: Apache-2.0
// Compiler: the configured resources and what every node must know of them, kept in step by work that is
// proportional to each change. Thread: one at a time (the service's write lock). Per write:
//
//   Proposal proposal = compiler.propose(changes);       parse and check all; the model shows the changes
//   with problems:      compiler.revert(), answer 422 (409 where every problem is a conflict)
//   else                store.write(proposal.write)
//   refused or dry run: compiler.revert()
//   committed:          compiler.commit(committed)       every node's snapshot is at committed.revision
//
// Law (a property test holds it): after any sequence of writes, snapshot(n) and any earlier base + deltas are
// what compile_all() makes of the model from nothing.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/contract/snapshot.hpp"
#include "dataplane/core/result.hpp"
#include "db/store/reader.hpp"
#include "db/store/write.hpp"
#include "mgmt/compile/build.hpp"
#include "mgmt/compile/model.hpp"
#include "mgmt/compile/problem.hpp"
#include "mgmt/compile/write_only.hpp"

namespace headgate::compile {

struct ProposedChange {
  db::ObjectKey key;
  std::optional<std::string> body;  // as REST takes it; nothing: delete it
  db::Precondition precondition;
};

struct Proposal {
  Problems problems;
  db::Write write;  // for Store::write; author, summary, dry_run and secrets are the caller's to fill in
  std::vector<contract::Secret> secrets;  // that have left the bodies: to be sealed into `write`
};

struct CompilerOptions {
  std::string ticket_secret;  // its digest; empty: none
  SaltOf salt_of;             // needed once a secret is written
};

class Compiler {
 public:
  // Everything from the store, compiled. An object that no longer parses (a downgrade) is an error that names
  // it.
  static Result<Compiler> load(db::Reader& reader, CompilerOptions options = {});
  Compiler(Compiler&&) noexcept;
  Compiler& operator=(Compiler&&) noexcept;
  ~Compiler();

  // One proposal at a time: commit() or revert() before the next.
  Proposal propose(const std::vector<ProposedChange>& changes);
  void revert();
  // The nodes for which something has changed: those whose long poll should answer.
  std::vector<std::string> commit(const db::Committed& committed);

  contract::Revision revision() const;
  const Model& model() const;
  const Numbers& numbers() const;
  // Nothing where there is no such node. The snapshot lives until the next commit().
  const contract::Snapshot* snapshot(const std::string& node) const;
  // What leads from `base` to now: full where the base is unknown, without upserts and removals where nothing
  // of this node has changed since. Nothing where there is no such node.
  std::optional<contract::Delta> delta_since(const std::string& node, contract::Revision base) const;

 private:
  struct State;
  explicit Compiler(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace headgate::compile
