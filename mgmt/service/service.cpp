// SPDX-License-Identifier: Apache-2.0
#include "mgmt/service/service.hpp"

#include <algorithm>
#include <future>
#include <set>

#include "dataplane/contract/secret_names.hpp"
#include "dataplane/core/log.hpp"
#include "mgmt/service/violations.hpp"

namespace headgate::service {
namespace {

std::vector<std::string> node_names(const compile::Model& model) {
  std::vector<std::string> names;
  for (const auto* node : model.all(db::Kind::kNode)) names.push_back(node->key.name);
  return names;
}

http::Problem storage_problem(const Error& error) {
  return {error.code == ErrorCode::kExhausted ? 507 : 503,
          "The database did not answer: " + error.message,
          {},
          {}};
}

}  // namespace

http::Problem busy() {
  return {503, "headgated is busy or stopping; try again.", {}, {{"Retry-After", "1"}}};
}

Service::Service(db::Store store, Vault vault, compile::Compiler compiler)
    : store_(std::move(store)),
      vault_(std::move(vault)),
      compiler_(std::move(compiler)),
      acknowledgements_(compiler_.revision(), node_names(compiler_.model())),
      channels_([this](const std::string& node, Revision base) { return compiler_.delta_since(node, base); }),
      writer_(std::make_unique<Writer>([this](TimePoint now) { return on_wake(now); })) {}

Service::~Service() { stop(); }

Result<std::unique_ptr<Service>> Service::start(db::Store store, Vault vault) {
  auto reader = store.reader();
  if (!reader.ok()) return std::move(reader).error();
  auto compiler = compile::Compiler::load(
      *reader, {.ticket_secret = vault.ticket_secret(),
                .salt_of = [vault](const std::string& data) { return vault.salt_of(data); }});
  if (!compiler.ok()) return std::move(compiler).error();
  return std::unique_ptr<Service>(new Service(std::move(store), std::move(vault), std::move(*compiler)));
}

void Service::stop() {
  std::promise<void> stopped;
  const bool posted = writer_->post([&] {
    stopped_ = true;
    channels_.stop();
    answer_applied(TimePoint::max());
    stopped.set_value();
  });
  if (posted) stopped.get_future().wait();
}

void Service::write(WriteRequest request, std::function<void(WriteOutcome)> on_outcome) {
  const bool posted = writer_->post([this, request = std::move(request), on_outcome] {
    if (stopped_) return on_outcome(busy());
    auto outcome = write_now(request);
    auto* written = std::get_if<Written>(&outcome);
    if (written == nullptr || !request.wait || request.dry_run) return on_outcome(std::move(outcome));
    waiting_writes_.push_back({std::move(*written), monotonic_now() + *request.wait, on_outcome});
    answer_applied(monotonic_now());
  });
  if (!posted) on_outcome(busy());
}

WriteOutcome Service::write_now(const WriteRequest& request) {
  auto before = store_.reader();
  if (!before.ok()) return storage_problem(before.error());
  auto proposed = request.propose(*before);
  if (auto* problem = std::get_if<http::Problem>(&proposed)) return std::move(*problem);
  auto proposal = compiler_.propose(std::get<std::vector<compile::ProposedChange>>(proposed));
  if (!proposal.problems.empty()) {
    compiler_.revert();
    return Refusal{std::move(proposal.problems), {}};
  }
  proposal.write.author = request.author;
  proposal.write.summary = request.summary;
  proposal.write.dry_run = request.dry_run;
  for (const auto& secret : proposal.secrets) proposal.write.secrets.push_back(vault_.seal(secret));
  auto result = store_.write(proposal.write);
  if (auto* refused = std::get_if<db::Refused>(&result)) {
    compiler_.revert();
    if (refused->violations.empty()) return Refusal{{}, refused->error};
    return Refusal{to_problems(refused->violations, proposal.write), {}};
  }
  auto& committed = std::get<db::Committed>(result);
  Written written{committed.revision, committed.changed, {}, {}};
  for (const auto& object : committed.changed) {
    auto old = before->get(object.key);
    written.before.push_back(old.ok() && *old ? (*old)->body : std::nullopt);
  }
  if (request.dry_run) {
    compiler_.revert();
  } else {
    follow(committed);
  }
  return written;
}

// The database has it; now everything that follows from it.
void Service::follow(const db::Committed& committed) {
  auto concerned = compiler_.commit(committed);
  std::erase_if(concerned, [this](const std::string& node) { return compiler_.snapshot(node) == nullptr; });
  for (const auto& object : committed.changed) {
    if (object.key.kind != db::Kind::kNode || object.body) continue;
    acknowledgements_.removed(object.key.name);
    channels_.removed(object.key.name);
  }
  acknowledgements_.committed(committed.revision, concerned);
  channels_.committed(concerned);
}

void Service::answer_applied(TimePoint now) {
  for (std::size_t i = 0; i < waiting_writes_.size();) {
    auto& waiting = waiting_writes_[i];
    waiting.written.missing = acknowledgements_.missing(waiting.written.revision);
    if (!waiting.written.missing.empty() && waiting.deadline > now) {
      ++i;
      continue;
    }
    const auto done = std::move(waiting);
    waiting_writes_.erase(waiting_writes_.begin() + static_cast<std::ptrdiff_t>(i));
    done.on_outcome(done.written);
  }
}

TimePoint Service::on_wake(TimePoint now) {
  channels_.expire(now);
  answer_applied(now);
  auto next = channels_.next_deadline();
  for (const auto& waiting : waiting_writes_) next = std::min(next, waiting.deadline);
  // wait_until() with TimePoint::max() overflows in libstdc++'s conversion of clocks.
  return std::min(next, now + std::chrono::minutes(1));
}

void Service::poll(std::string node, Revision base, std::chrono::milliseconds timeout,
                   NodeChannels::OnUpdate on_update) {
  const bool posted = writer_->post([this, node = std::move(node), base, timeout, on_update] {
    if (stopped_) return on_update(std::nullopt);
    channels_.poll(node, base, monotonic_now() + timeout, on_update);
  });
  if (!posted) on_update(std::nullopt);
}

void Service::report(std::string node, contract::NodeReport report, std::function<void()> on_taken) {
  const bool posted =
      writer_->post([this, node = std::move(node), report = std::move(report), on_taken]() mutable {
        if (compiler_.snapshot(node) != nullptr) {
          acknowledgements_.reported(node, report);
          channels_.report(node, std::move(report), monotonic_now(), unix_time_ms());
          answer_applied(monotonic_now());
        }
        on_taken();
      });
  if (!posted) on_taken();  // the next report says it all again
}

void Service::secrets(std::string node, contract::SecretsWanted wanted,
                      std::function<void(contract::Secrets)> on_secrets) {
  const bool posted = writer_->post([this, node = std::move(node), wanted = std::move(wanted), on_secrets] {
    on_secrets(secrets_now(node, wanted));
  });
  if (!posted) on_secrets({});  // it asks again
}

contract::Secrets Service::secrets_now(const std::string& node, const contract::SecretsWanted& wanted) const {
  contract::Secrets answer;
  const auto* snapshot = compiler_.snapshot(node);
  auto reader = store_.reader();
  if (snapshot == nullptr || !reader.ok()) return answer;
  const auto named = contract::secret_names(*snapshot);
  for (const auto& digest : std::set(wanted.digests.begin(), wanted.digests.end())) {
    if (!named.contains(digest)) continue;
    auto found = vault_.find(*reader, digest);
    if (!found.ok())
      log::warning("node " + node + " goes without a secret: " + found.error().message);
    else if (*found)
      answer.secrets.push_back(**std::move(found));
  }
  return answer;
}

void Service::command(std::string node, contract::AddressedCommand command, std::chrono::milliseconds timeout,
                      NodeChannels::OnResult on_result) {
  command.command.timeout = timeout;
  const bool posted =
      writer_->post([this, node = std::move(node), command = std::move(command), timeout, on_result] {
        if (stopped_ || compiler_.snapshot(node) == nullptr)
          return on_result(Error{ErrorCode::kNotFound, "there is no node " + node});
        channels_.command(node, command, monotonic_now() + timeout, on_result);
      });
  if (!posted) on_result(Error{ErrorCode::kUnavailable, "headgated is busy or stopping"});
}

bool Service::inspect(std::function<void(const compile::Compiler&, const NodeChannels&)> look) {
  return writer_->post([this, look = std::move(look)] { look(compiler_, channels_); });
}

}  // namespace headgate::service
