// SPDX-License-Identifier: Apache-2.0
// Service: the configuration, its compiler and the nodes, behind one writer thread. Reads go to the database
// directly and wait for nobody. Threads: any may call; callbacks run on the writer's thread, exactly once,
// and must not block. Everything that is handed in must live until stop() has returned.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/contract/node_api.hpp"
#include "dataplane/core/clock.hpp"
#include "db/store/store.hpp"
#include "mgmt/compile/compiler.hpp"
#include "mgmt/http/problem.hpp"
#include "mgmt/service/acknowledgements.hpp"
#include "mgmt/service/node_channels.hpp"
#include "mgmt/service/vault.hpp"
#include "mgmt/service/writer.hpp"

namespace headgate::service {

using Proposed = std::variant<std::vector<compile::ProposedChange>, http::Problem>;

struct WriteRequest {
  std::string author;
  std::string summary;
  bool dry_run = false;
  std::optional<std::chrono::milliseconds> wait;  // for the processes concerned
  // On the writer's thread: what to change, seen that nothing else changes meanwhile.
  std::function<Proposed(db::Reader&)> propose;
};

struct Written {
  Revision revision = 0;
  std::vector<db::Object> changed;
  std::vector<std::optional<std::string>> before;  // the bodies of `changed`, before
  std::vector<Missing> missing;                    // after `wait`: who does not serve it
};

// What compile or the database say against it; nothing was stored.
struct Refusal {
  compile::Problems problems;
  std::optional<Error> storage_error;
};

http::Problem busy();

using WriteOutcome = std::variant<Written, Refusal, http::Problem>;

class Service {
 public:
  static Result<std::unique_ptr<Service>> start(db::Store store, Vault vault);
  ~Service();
  // Answers everything that waits; later calls are answered with 503.
  void stop();

  Result<db::Reader> reader() const { return store_.reader(); }
  db::Store& store() { return store_; }  // for tokens and enrolments; it has its own lock
  const Acknowledgements& acknowledgements() const { return acknowledgements_; }

  void write(WriteRequest request, std::function<void(WriteOutcome)> on_outcome);
  void poll(std::string node, Revision base, std::chrono::milliseconds timeout,
            NodeChannels::OnUpdate on_update);
  void report(std::string node, contract::NodeReport report, std::function<void()> on_taken);
  void command(std::string node, contract::AddressedCommand command, std::chrono::milliseconds timeout,
               NodeChannels::OnResult on_result);
  // The secrets of these that the node's snapshot names, and that can be had; none where there is no such
  // node.
  void secrets(std::string node, contract::SecretsWanted wanted,
               std::function<void(contract::Secrets)> on_secrets);
  // A look at what the nodes report. False where it won't be taken: busy.
  [[nodiscard]] bool inspect(std::function<void(const compile::Compiler&, const NodeChannels&)> look);

 private:
  struct WaitingWrite {
    Written written;
    TimePoint deadline;
    std::function<void(WriteOutcome)> on_outcome;
  };
  Service(db::Store store, Vault vault, compile::Compiler compiler);
  WriteOutcome write_now(const WriteRequest& request);
  void follow(const db::Committed& committed);
  void answer_applied(TimePoint now);
  contract::Secrets secrets_now(const std::string& node, const contract::SecretsWanted& wanted) const;
  TimePoint on_wake(TimePoint now);

  db::Store store_;
  const Vault vault_;
  compile::Compiler compiler_;         // the writer's thread, as all below
  Acknowledgements acknowledgements_;  // any thread
  NodeChannels channels_;
  std::vector<WaitingWrite> waiting_writes_;
  bool stopped_ = false;
  std::unique_ptr<Writer> writer_;  // last: it uses all of the above
};

}  // namespace headgate::service
