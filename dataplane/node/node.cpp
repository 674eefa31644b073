// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/node.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "dataplane/contract/secret_names.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"

namespace headgate::node {
namespace {

// Beside its connections (two fds each) a replica has logs, epoll fds, listeners and the control socket.
constexpr uint64_t kFdsBesideConnections = 1024;
constexpr std::size_t kNamesInNoticeMax = 3;
constexpr const char* kHopDirectory = "hop";  // in the run directory

bool may_name_secrets(const contract::Delta& delta) {
  const auto concerns = [](const contract::ObjectKey& key) {
    return key.kind == contract::Kind::kCertificate || key.kind == contract::Kind::kShardSettings;
  };
  return delta.base == 0 || std::any_of(delta.removals.begin(), delta.removals.end(), concerns) ||
         std::any_of(delta.upserts.begin(), delta.upserts.end(),
                     [&](const auto& upsert) { return concerns(upsert.key); });
}

std::string text_of_missing(const contract::Snapshot& snapshot, const SecretStore::Digests& missing) {
  std::set<std::string> names;
  for (const auto& [key, object] : snapshot.objects)
    if (const auto* certificate = std::get_if<contract::Certificate>(object.get()))
      if (missing.contains(certificate->key_digest)) names.insert(certificate->name);
  std::string text = fmt::format("{} of its secrets could not be had from headgated", missing.size());
  std::size_t named = 0;
  for (const auto& name : names)
    if (named++ < kNamesInNoticeMax) text += (named == 1 ? ", of certificate " : ", ") + name;
  if (names.size() > kNamesInNoticeMax) text += fmt::format(" and {} more", names.size() - kNamesInNoticeMax);
  return text + "; trying again";
}

}  // namespace

Node::Node(EventLoop& loop, Supervisor& supervisor, NodeOptions options)
    : loop_(loop),
      options_(std::move(options)),
      store_(options_.state_directory),
      secrets_(options_.state_directory),
      processes_({loop, supervisor, snapshot_, secrets_, options_.run_directory},
                 options_.run_directory / kHopDirectory, options_.drain_timeout,
                 {.on_change = [this] { on_process_change(); },
                  .on_result =
                      [this](contract::CommandResult result) {
                        results_.push_back(std::move(result));
                        link_.report_soon();
                      }}),
      restarts_(loop, processes_, [this] { link_.report_soon(); }),
      health_(loop,
              [this] {
                hand_out_health();
                link_.report_soon();
              }),
      link_(
          loop, options_.management,
          {.base = [this] { return full_wanted_ ? 0 : snapshot_.revision; },
           .on_update = [this](contract::NodeUpdate update) { on_update(std::move(update)); },
           .secrets_missing = [this](const contract::NodeUpdate& update) { return secrets_missing(update); },
           .on_secrets = [this](const contract::Secrets& secrets) { on_secrets(secrets); },
           .make_report = [this](bool with_stats) { return make_report(with_stats); },
           .on_reported = [this](const contract::NodeReport& report) { on_reported(report); }}) {}

Result<void> Node::start() {
  if (options_.network) {
    auto network = Network::make(
        loop_, *options_.network, options_.run_directory / "network.undo",
        {.on_change = [this] { link_.report_soon(); },
         // Its packet sockets are bound to an interface that is gone.
         .on_host_port_replaced = [this] { (void)processes_.restart(std::string(kProcessL4)).ok(); }});
    if (!network.ok()) return std::move(network).error();
    network_ = std::move(*network);
  }
  auto stored = store_.load();
  if (!stored.ok()) return std::move(stored).error();
  snapshot_ = std::move(*stored);
  if (snapshot_.revision != 0)
    log::info(fmt::format("serving revision {} from disk until headgated answers", snapshot_.revision));
  if (auto opened = secrets_.open(); !opened.ok()) {
    log::error(opened.error().message);
    notices_["secrets_not_stored"] = {"secrets_not_stored", opened.error().message, true};
  }
  health_.on_delta(contract::full(snapshot_));
  plan_ = plan_of(snapshot_);
  reconcile();
  secrets_named_ = contract::secret_names(snapshot_);
  watch_secrets();
  processes_.stop_orphans();
  link_.start();
  return {};
}

void Node::stop(std::function<void()> on_stopped) {
  reconcile_timer_.end();
  processes_.stop_all([this, on_stopped = std::move(on_stopped)] {
    if (network_) network_->take_down();
    on_stopped();
  });
}

void Node::on_update(contract::NodeUpdate update) {
  if (update.delta) on_delta(*update.delta);
  for (const auto& command : update.commands) on_command(command);
}

void Node::on_delta(const contract::Delta& delta) {
  if (auto applied = contract::apply(snapshot_, delta); !applied.ok()) {
    log::warning(applied.error().message + ": asking headgated for all of it");
    full_wanted_ = true;
    return;
  }
  full_wanted_ = false;
  plan_ = plan_of(snapshot_);
  processes_.prepare_hops(shards_with_hop(plan_));
  processes_.on_delta(delta);
  health_.on_delta(delta);
  reconcile();
  if (may_name_secrets(delta)) {
    secrets_named_ = contract::secret_names(snapshot_);
    secrets_.forget_all_but(secrets_named_);
    watch_secrets();
  }
  // After it is served: the disk is slower than the processes, and a crash in between loses nothing that
  // headgated does not send again.
  if (auto stored = store_.append(delta, snapshot_); !stored.ok())
    notices_["state_not_stored"] = {"state_not_stored", stored.error().message, true};
  else
    notices_.erase("state_not_stored");
  // What the processes acknowledge at once is one report, and not one more that it has come.
  const bool is_applied = processes_.applied(snapshot_.revision) == snapshot_.revision;
  link_.report_within(is_applied ? Duration::zero() : limits::kReportPatience);
}

// --- secrets -----------------------------------------------------------------------------------------------

SecretStore::Digests Node::secrets_missing(const contract::NodeUpdate& update) const {
  if (!update.delta) return {};
  return secrets_.missing(contract::secret_names(*update.delta));
}

void Node::on_secrets(const contract::Secrets& secrets) {
  const auto added = secrets_.add(secrets);
  if (!added.stored.ok())
    notices_["secrets_not_stored"] = {"secrets_not_stored", added.stored.error().message, true};
  else if (!added.digests.empty())
    notices_.erase("secrets_not_stored");
  processes_.on_secrets(added.digests);
}

// What could not be had is said, and tried again; everything else goes on.
void Node::watch_secrets() {
  const auto missing = secrets_.missing(secrets_named_);
  if (missing.empty()) {
    notices_.erase("secrets_missing");
    secrets_timer_.end();
  } else {
    notices_["secrets_missing"] = {"secrets_missing", text_of_missing(snapshot_, missing), true};
    secrets_timer_ = loop_.after(limits::kReconcileInterval, [this] { fetch_missing_secrets(); });
  }
  link_.report_within(limits::kReportPatience);
}

void Node::fetch_missing_secrets() {
  link_.fetch_secrets(secrets_.missing(secrets_named_), [this] { watch_secrets(); });
}

// ---

void Node::on_command(const contract::AddressedCommand& command) {
  if (command.command.verb != "restart") return processes_.send_command(command);
  const auto restarted = restart(command.process);
  results_.push_back({command.command.id, restarted.ok(), restarted.ok() ? "{}" : restarted.error().message});
  link_.report_soon();
}

// "shard/edge" means all its replicas here, one after the other; anything else is one process.
Result<void> Node::restart(const std::string& process) {
  std::vector<std::string> replicas;
  for (const auto& [name, replica] : plan_.replicas)
    if (replica.audience == process) replicas.push_back(name);
  if (replicas.empty()) return processes_.restart(process);
  return restarts_.begin(std::string(contract::shard_of_audience(process)), std::move(replicas));
}

void Node::reconcile() {
  if (network_) network_->want(plan_.vips, plan_.local_addresses);
  processes_.want(wanted_processes());
  restarts_.keep_only(shards_of(plan_));
  hand_out_health();
  // What could not be had (a port that another program holds) may be free later.
  const bool retry = !processes_.socket_faults().empty();
  if (!retry)
    fault_since_.reset();
  else if (!fault_since_)
    fault_since_ = snapshot_.revision;
  reconcile_timer_ =
      retry ? loop_.after(limits::kReconcileInterval, [this] { reconcile(); }) : EventLoop::Timer();
  link_.report_within(limits::kReportPatience);
}

void Node::hand_out_health() {
  processes_.set_health([this](const std::string& process) {
    if (process != kProcessL4) return health_.view_of(audience_of_process(process));
    auto view =
        replica_health(plan_, [this](const std::string& replica) { return processes_.can_serve(replica); });
    view.merge(health_.view_of(std::string(contract::kAudienceL4)));
    return view;
  });
}

// Of a table that is built up or changed at this very moment too: so later, and once for many.
void Node::on_process_change() {
  health_timer_ = loop_.after(Duration::zero(), [this] {
    restarts_.look();
    hand_out_health();
    link_.report_soon();
  });
}

std::map<std::string, ProcessTable::Wanted> Node::wanted_processes() const {
  std::map<std::string, ProcessTable::Wanted> wanted;
  for (const auto& [name, replica] : plan_.replicas)
    wanted[name] = {replica_spec(name, replica), replica.sockets, replica.hop_peers};
  if (!options_.l4_arguments.empty()) {
    wanted[std::string(kProcessL4)] = {ProcessSpec{.process = std::string(kProcessL4),
                                                   .program = options_.program_directory / "headgate-l4",
                                                   .arguments = options_.l4_arguments,
                                                   .user = {},
                                                   .memory_max_bytes = 0,
                                                   .fds_max = 0,
                                                   .log_directory = {}},
                                       {},
                                       {}};
  }
  return wanted;
}

ProcessSpec Node::replica_spec(const std::string& name, const ReplicaPlan& replica) const {
  const std::string replica_name = name.substr(name.find('/') + 1);
  ProcessSpec spec{
      .process = name,
      .program = options_.program_directory / "headgate-shard",
      .arguments = {"--name", replica_name, "--threads", std::to_string(replica.threads), "--hop-dir",
                    (options_.run_directory / kHopDirectory).string(), "--log-level", options_.log_level},
      .user = {},
      .memory_max_bytes = replica.memory_max_bytes,
      .fds_max = 0,
      .log_directory = {}};
  if (replica.memory_max_bytes != 0)
    spec.arguments.insert(spec.arguments.end(),
                          {"--memory-max-bytes", std::to_string(replica.memory_max_bytes)});
  if (replica.connections_max != 0) spec.fds_max = 2ull * replica.connections_max + kFdsBesideConnections;
  if (!options_.log_directory.empty()) {
    spec.log_directory = options_.log_directory / replica_name;
    spec.arguments.insert(spec.arguments.end(), {"--log-dir", spec.log_directory.string()});
  }
  if (options_.shard_uid_base) {
    const uid_t id = *options_.shard_uid_base + replica.user_number;
    spec.user = ProcessUser{id, id};
    spec.arguments.insert(spec.arguments.end(),
                          {"--shard-uid-base", std::to_string(*options_.shard_uid_base)});
  }
  return spec;
}

contract::NodeReport Node::make_report(bool with_stats) const {
  contract::NodeReport report{.received = snapshot_.revision,
                              .applied = processes_.applied(snapshot_.revision),
                              .refused_reason = processes_.refused_reason(),
                              .notices = {},
                              .processes = processes_.statuses(),
                              .health = health_.report(),
                              .stats = std::nullopt,
                              .restarts = restarts_.statuses(),
                              .results = results_};
  if (with_stats) report.stats = processes_.stats();
  if (network_ && !network_->fault().empty()) report.notices.push_back({"network", network_->fault(), true});
  if (network_ && !network_->warning().empty())
    report.notices.push_back({"network_warning", network_->warning(), false});
  for (const auto& [code, notice] : notices_) report.notices.push_back(notice);
  // A listener that nobody can reach is not applied.
  if (fault_since_) report.applied = std::min(report.applied, *fault_since_ - 1);
  for (const auto& [process, fault] : processes_.socket_faults()) {
    report.notices.push_back({"listening_failed", process + ": " + fault, true});
    if (report.refused_reason.empty()) report.refused_reason = process + ": " + fault;
  }
  return report;
}

void Node::on_reported(const contract::NodeReport& report) {
  const auto reported = std::min(report.results.size(), results_.size());
  results_.erase(results_.begin(), results_.begin() + static_cast<std::ptrdiff_t>(reported));
}

}  // namespace headgate::node
