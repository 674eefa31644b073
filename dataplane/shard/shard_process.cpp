// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/shard_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/contract/codec.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/shard/explain_request.hpp"

namespace headgate::shard {
namespace {

// What its spans say of a replica; its name alone is another's on another machine.
otlp::ExportTarget export_target(const contract::ShardSettings& settings, const std::string& replica) {
  if (!settings.tracing) return {};
  const auto& tracing = *settings.tracing;
  std::array<char, HOST_NAME_MAX + 1> host{};
  ::gethostname(host.data(), host.size() - 1);
  return {tracing.endpoint,
          {{"service.name", tracing.service_name.empty() ? "headgate" : tracing.service_name},
           {"service.version", HEADGATE_VERSION},
           {"service.instance.id", std::string(host.data()) + "/" + replica},
           {"host.name", host.data()},
           {"headgate.shard", settings.name}}};
}

}  // namespace

Result<std::unique_ptr<ShardProcess>> ShardProcess::start(ProcessOptions options) {
  auto process = std::make_unique<ShardProcess>(std::move(options));
  if (auto started = process->start_threads(); !started.ok()) return std::move(started).error();
  return process;
}

ShardProcess::ShardProcess(ProcessOptions options)
    : options_(std::move(options)),
      builder_(options_.threads),
      publisher_(options_.threads,
                 std::make_unique<const ServedTables>(ServedTables{builder_.tables(), tls_.table()})),
      log_(options_.threads, options_.access_log_path),
      spans_(options_.threads),
      memory_(options_.memory_max_bytes) {}

Result<void> ShardProcess::start_threads() {
  for (std::size_t number = 0; number < options_.threads; ++number) {
    auto thread = ShardThread::start(
        {.number = number,
         .clients_max = std::max<std::size_t>(1, options_.clients_max / options_.threads),
         .request_buffers_bytes_max = options_.request_buffers_bytes_max / options_.threads,
         .tables = publisher_.reader(number),
         .state = builder_.thread_state(number),
         .log = log_,
         .spans = spans_,
         .hop = options_.hop,
         .pressure = pressure_});
    if (!thread.ok()) return std::move(thread).error();
    threads_.push_back(std::move(*thread));
  }
  return {};
}

Result<void> ShardProcess::apply(const contract::Delta& delta) {
  if (auto checked = contract::check_base(revision_, delta); !checked.ok()) return checked;
  revision_ = delta.revision;
  auto tables = builder_.apply(delta, monotonic_now());
  tls_.apply(delta, unix_time_ms());
  const auto& settings = *tables->settings;
  log_.configure({settings.access_log, settings.access_log_file_bytes_max, settings.access_log_files});
  spans_.configure(export_target(settings, options_.name));
  publish(std::move(tables));
  return {};
}

void ShardProcess::apply(const contract::HealthDelta& delta) {
  publish(builder_.apply(delta, monotonic_now()));
}

void ShardProcess::add(contract::Secrets secrets) {
  const auto before = tls_.table();
  if (tls_.add(std::move(secrets), unix_time_ms()) != before) publish(builder_.tables());
}

void ShardProcess::publish(std::unique_ptr<const l7::Tables> tables) {
  auto served = std::make_unique<const ServedTables>(ServedTables{std::move(tables), tls_.table()});
  unsettled_.push_back({publisher_.publish(std::move(served)), revision_});
  for (auto& thread : threads_) thread->wake();
}

std::optional<contract::Revision> ShardProcess::settle() {
  std::optional<contract::Revision> served;
  while (!unsettled_.empty() && publisher_.seen_by_all(unsettled_.front().version)) {
    served = unsettled_.front().revision;
    unsettled_.erase(unsettled_.begin());
  }
  publisher_.reclaim();
  builder_.reclaim();
  tls_.reclaim();
  tls_.keep_current(unix_time_ms());
  return served;
}

Result<void> ShardProcess::set_sockets(const contract::SocketSet& set, std::vector<UniqueFd> fds) {
  if (set.sockets.size() != fds.size())
    return Error{ErrorCode::kInvalid, "a socket set of " + std::to_string(set.sockets.size()) +
                                          " came with " + std::to_string(fds.size()) + " file descriptors"};
  std::vector<HeldSocket> held;
  for (std::size_t i = 0; i < fds.size(); ++i) {
    struct stat status {};
    if (::fstat(fds[i].get(), &status) < 0) return system_error(errno, "looking at a listening socket");
    ::fcntl(fds[i].get(), F_SETFL, ::fcntl(fds[i].get(), F_GETFL) | O_NONBLOCK);
    held.push_back({set.sockets[i], std::move(fds[i]), status.st_ino});
  }
  held_ = std::move(held);
  return give_sockets();
}

Result<void> ShardProcess::give_sockets() {
  if (draining_) return {};
  for (std::size_t number = 0; number < threads_.size(); ++number) {
    ThreadCommand command{ThreadCommand::Kind::kSockets, {}};
    for (const auto& held : held_) {
      if (!held.socket.hop && held.socket.thread % threads_.size() != number) continue;
      UniqueFd copy(::fcntl(held.fd.get(), F_DUPFD_CLOEXEC, 0));
      if (!copy) return system_error(errno, "duplicating a listening socket");
      command.sockets.push_back({std::move(copy), held.socket.listener, held.inode, held.socket.hop});
    }
    if (!threads_[number]->send(std::move(command)))
      return Error{ErrorCode::kExhausted, "thread " + std::to_string(number) + " does not take its commands"};
  }
  return {};
}

contract::SocketSet ShardProcess::sockets() const {
  contract::SocketSet set;
  for (const auto& held : held_) set.sockets.push_back(held.socket);
  return set;
}

std::vector<int> ShardProcess::socket_fds() const {
  std::vector<int> fds;
  for (const auto& held : held_) fds.push_back(held.fd.get());
  return fds;
}

contract::CommandResult ShardProcess::answer(const contract::Command& command) const {
  if (command.verb != "explain")
    return {command.id, false, "a shard does not know the command " + command.verb};
  const auto question = contract::decode_request_question(command.body);
  if (!question.ok()) return {command.id, false, question.error().message};
  return {command.id, true, contract::encode(explain_request(builder_, *question, monotonic_now()))};
}

void ShardProcess::look_at_memory(TimePoint now) {
  const bool changed = memory_.look(now);
  pressure_.set_memory_short(memory_.is_short());
  if (!changed || !memory_.is_short()) return;
  log::warning(memory_.notice());
  for (auto& thread : threads_)
    if (!thread->send({ThreadCommand::Kind::kFreeKept, {}}))
      log::warning("a thread does not take its commands");
}

void ShardProcess::drain() {
  draining_ = true;
  for (auto& thread : threads_)
    if (!thread->send({ThreadCommand::Kind::kDrain, {}})) log::warning("a thread does not take its commands");
}

bool ShardProcess::drained() const {
  return std::all_of(threads_.begin(), threads_.end(), [](const auto& thread) { return thread->drained(); });
}

}  // namespace headgate::shard
