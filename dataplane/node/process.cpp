// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/process.hpp"

#include <csignal>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dataplane/contract/secret_names.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"
#include "dataplane/node/control_socket.hpp"
#include "dataplane/node/node_plan.hpp"
#include "dataplane/node/process_record.hpp"

namespace headgate::node {

Process::Process(Surroundings surroundings, ProcessSpec spec, Callbacks callbacks)
    : surroundings_(std::move(surroundings)),
      spec_(std::move(spec)),
      callbacks_(std::move(callbacks)),
      socket_path_(surroundings_.run_directory / (file_name_of_process(spec_.process) + ".sock")),
      feed_(audience_of_process(spec_.process), surroundings_.snapshot.revision) {}

// --- its life ----------------------------------------------------------------------------------------------

void Process::start() {
  set_state(State::kStarting);
  auto started = start_child();
  if (started.ok()) return;
  log::error(started.error().message);
  on_death(started.error().message);
}

Result<void> Process::start_child() {
  started_at_ = surroundings_.loop.now();
  auto control = listen_control_socket(socket_path_);
  if (!control.ok()) return std::move(control).error();
  auto started = surroundings_.supervisor.start(spec_, *control);
  if (!started.ok()) return std::move(started).error();
  pid_ = started->pid;
  if (auto written = write_process_record(record_path(), pid_); !written.ok())
    log::error(written.error().message);  // it serves all the same; only an adoption would miss it
  log::info(fmt::format("started {} (pid {})", spec_.process, pid_));
  watch_death(std::move(started->pidfd));
  // Our copy of its listening socket is closed on return: from then on a refused connection means that the
  // process is gone.
  return connect();
}

bool Process::adopt() {
  auto recorded = find_recorded_process(record_path());
  if (!recorded) return false;
  started_at_ = surroundings_.loop.now();
  adopted_ = true;
  pid_ = recorded->pid;
  watch_death(std::move(recorded->pidfd));
  if (auto connected = connect(); !connected.ok()) kill_hung(connected.error().message);
  return true;
}

Result<void> Process::connect() {
  auto socket = connect_control_socket(socket_path_);
  if (!socket.ok()) return std::move(socket).error();
  channel_.emplace(std::move(*socket));
  channel_watch_ =
      surroundings_.loop.watch(channel_->fd(), EPOLLIN, [this](uint32_t events) { on_ready(events); });
  hello_timer_ =
      surroundings_.loop.after(limits::kHelloTimeout, [this] { kill_hung("it did not say hello"); });
  return {};
}

void Process::watch_death(UniqueFd pidfd) {
  pidfd_ = std::move(pidfd);
  death_watch_ = surroundings_.loop.watch(pidfd_.get(), EPOLLIN, [this](uint32_t) {
    death_watch_.end();
    on_death(surroundings_.supervisor.finish(spec_, pidfd_));
  });
}

std::filesystem::path Process::record_path() const {
  return std::filesystem::path(socket_path_).replace_extension(".pid");
}

void Process::remove_files() const {
  ::unlink(socket_path_.c_str());
  ::unlink(record_path().c_str());
}

void Process::step_aside() {
  move_files(surroundings_.run_directory /
             fmt::format("{}.{}.sock", file_name_of_process(spec_.process), pid_));
}

void Process::step_back() {
  move_files(surroundings_.run_directory / (file_name_of_process(spec_.process) + ".sock"));
}

void Process::move_files(std::filesystem::path socket_path) {
  const auto record = record_path();
  std::error_code error;  // a file that is missing is missed by an adoption only
  std::filesystem::rename(socket_path_, socket_path, error);
  socket_path_ = std::move(socket_path);
  std::filesystem::rename(record, record_path(), error);
}

void Process::stop(contract::Millis drain_timeout) {
  if (stopping()) return;
  set_state(State::kStopping);
  drain_timeout_ = drain_timeout;
  start_timer_.end();
  if (!pidfd_) {
    remove_files();
    kill_timer_ = surroundings_.loop.after(Duration::zero(), [this] { callbacks_.on_ended(*this); });
    return;
  }
  send(contract::Stop{drain_timeout});
  kill_timer_ = surroundings_.loop.after(drain_timeout + limits::kStopGrace,
                                         [this] { kill_hung("it did not stop in time"); });
}

void Process::restart() {
  if (!pidfd_ || stopping()) return;
  send(contract::Stop{});
  kill_timer_ =
      surroundings_.loop.after(limits::kStopGrace, [this] { kill_hung("it did not stop in time"); });
}

void Process::kill() {
  if (pidfd_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0);
}

void Process::kill_hung(const std::string& reason) {
  log::warning(fmt::format("killing {} (pid {}): {}", spec_.process, pid_, reason));
  kill();
}

void Process::on_death(std::string how) {
  channel_watch_.end();
  hello_timer_.end();
  connect_timer_.end();
  kill_timer_.end();
  channel_.reset();
  death_watch_.end();
  pidfd_.reset();
  greeted_ = adopted_ = held_ = false;
  feed_.on_lost();
  notices_.clear();
  last_exit_ = std::move(how);
  fail_commands(spec_.process + " ended: " + last_exit_);
  if (stopping()) {
    remove_files();
    log::info(fmt::format("{} (pid {}) has stopped: {}", spec_.process, pid_, last_exit_));
    pid_ = 0;
    callbacks_.on_ended(*this);
    return;
  }
  start_again_later();
}

void Process::start_again_later() {
  const TimePoint now = monotonic_now();
  const Duration delay = restart_policy_.on_death(now, now - started_at_);
  log::warning(fmt::format("{} (pid {}) died: {}; starting it again in {} ms", spec_.process, pid_,
                           last_exit_, std::chrono::duration_cast<contract::Millis>(delay).count()));
  pid_ = 0;
  set_state(restart_policy_.crash_loop(now) ? State::kCrashLoop : State::kBackoff);
  start_timer_ = surroundings_.loop.after(delay, [this] {
    ++restarts_;
    start();
  });
}

// --- what it says ------------------------------------------------------------------------------------------

void Process::on_ready(uint32_t epoll_events) {
  if (epoll_events & EPOLLOUT) {
    if (auto flushed = channel_->flush(); !flushed.ok()) return lose_channel(flushed.error().message);
    if (!channel_->wants_write()) channel_watch_.change(EPOLLIN);
  }
  while (channel_) {
    auto received = channel_->receive();
    if (!received.ok()) return lose_channel(received.error().message);
    if (!received->has_value()) return;
    on_message(std::move(**received));
  }
}

void Process::on_message(contract::Received received) {
  if (const auto* hello = std::get_if<contract::Hello>(&received.message)) return on_hello(*hello);
  if (!greeted_) return lose_channel("it spoke before it said hello");
  if (const auto* answer = std::get_if<contract::Acknowledgement>(&received.message))
    return on_acknowledgement(*answer);
  if (auto* notice = std::get_if<contract::Notice>(&received.message)) return on_notice(std::move(*notice));
  if (auto* stats = std::get_if<contract::Stats>(&received.message)) {
    stats_ = std::move(*stats);
    return;
  }
  if (auto* result = std::get_if<contract::CommandResult>(&received.message))
    return on_result(std::move(*result));
  if (auto* sockets = std::get_if<contract::SocketSet>(&received.message)) {
    if (sockets->sockets.size() != received.fds.size())
      return lose_channel("it sent sockets and file descriptors of another number");
    return callbacks_.on_sockets(*this, std::move(*sockets), std::move(received.fds));
  }
  lose_channel("it sent a message that only headgate-node sends");
}

void Process::on_hello(const contract::Hello& hello) {
  if (greeted_) return lose_channel("it said hello twice");
  hello_timer_.end();
  greeted_ = true;
  health_sent_.clear();
  feed_.on_hello(hello.revision);
  log::info(fmt::format("{} {} (pid {}, {}) at revision {}", adopted_ ? "adopted" : "connected to",
                        spec_.process, pid_, hello.build, hello.revision));
  if (stopping()) return send(contract::Stop{drain_timeout_});  // the connection before may have lost it
  configure();
  send(contract::HealthDelta{.full = true, .upserts = {}, .removals = {}});
  set_health(contract::HealthView(health_));
  if (greeted_) callbacks_.on_connected(*this);
  callbacks_.on_change();
}

void Process::on_acknowledgement(const contract::Acknowledgement& acknowledgement) {
  feed_.on_acknowledgement(acknowledgement);
  if (!acknowledgement.applied)
    log::warning(fmt::format("{} refuses revision {}: {}", spec_.process, acknowledgement.revision,
                             acknowledgement.reason));
  if (state_ == State::kStarting && acknowledgement.applied) set_state(State::kRunning);
  configure();
  callbacks_.on_change();
}

void Process::on_notice(contract::Notice notice) {
  if (notice.text.empty()) {
    notices_.erase(notice.code);
  } else if (notices_.contains(notice.code) || notices_.size() < limits::kNoticesPerProcessMax) {
    log::warning(fmt::format("{}: {}", spec_.process, notice.text));
    notices_.insert_or_assign(notice.code, std::move(notice));
  }
  callbacks_.on_change();
}

void Process::on_result(contract::CommandResult result) {
  if (commands_.erase(result.id) == 0) return;  // nobody asked, or it was answered as too late
  callbacks_.on_result(std::move(result));
}

void Process::lose_channel(const std::string& reason) {
  // One that stops closes it before it ends.
  if (!stopping())
    log::warning(fmt::format("lost the connection to {} (pid {}): {}", spec_.process, pid_, reason));
  channel_watch_.end();
  hello_timer_.end();
  channel_.reset();
  greeted_ = false;
  feed_.on_lost();
  fail_commands("the connection to " + spec_.process + " was lost");
  if (stopping()) return;
  // One that lives gets one more chance to listen.
  connect_timer_ = surroundings_.loop.after(limits::kReconnectDelay, [this] {
    if (auto connected = connect(); !connected.ok()) kill_hung(connected.error().message);
  });
}

// --- what it is told ---------------------------------------------------------------------------------------

void Process::send(const contract::Message& message, const std::vector<int>& fds) {
  if (!channel_) return;
  if (auto sent = channel_->send(message, fds); !sent.ok()) return lose_channel(sent.error().message);
  if (channel_->wants_write()) channel_watch_.change(EPOLLIN | EPOLLOUT);
}

void Process::configure() {
  if (!greeted_ || held_ || stopping()) return;
  if (auto next = feed_.next(surroundings_.snapshot)) {
    send_secrets(contract::secret_names(next->delta));  // first: what the delta names is there then
    return send(*next);
  }
  // Before there is any revision there is nothing to acknowledge: it runs, and waits as we do.
  if (state_ == State::kStarting && surroundings_.snapshot.revision == 0) set_state(State::kRunning);
}

void Process::send_secrets(const SecretStore::Digests& digests) {
  const auto found = surroundings_.secrets.find(digests);
  if (!found.secrets.empty()) send(found);
}

void Process::on_secrets(const SecretStore::Digests& digests) {
  if (!greeted_ || stopping()) return;
  auto named =
      contract::secret_names(contract::filter(surroundings_.snapshot, audience_of_process(spec_.process)));
  std::erase_if(named, [&](const std::string& digest) { return !digests.contains(digest); });
  send_secrets(named);
}

void Process::on_delta(const contract::Delta& delta) {
  feed_.on_delta(delta);
  configure();
}

void Process::release() {
  held_ = false;
  configure();
}

void Process::set_health(const contract::HealthView& view) {
  health_ = view;
  if (!greeted_ || stopping()) return;
  const auto changes = contract::diff(health_sent_, health_);
  if (changes.upserts.empty() && changes.removals.empty()) return;
  health_sent_ = health_;
  send(changes);
}

void Process::send_sockets(const contract::SocketSet& set, const std::vector<int>& fds) {
  if (greeted_ && !stopping()) send(set, fds);
}

void Process::ask_for_sockets() { send(contract::SocketsWanted{}); }

void Process::send_command(const contract::Command& command) {
  if (!greeted_) return callbacks_.on_result({command.id, false, spec_.process + " is not running"});
  if (commands_.size() >= limits::kCommandsPerProcessMax)
    return callbacks_.on_result(
        {command.id, false, spec_.process + " has too many commands to answer already"});
  commands_[command.id] = surroundings_.loop.after(command.timeout, [this, id = command.id] {
    commands_.erase(id);
    callbacks_.on_result({id, false, spec_.process + " did not answer in time"});
  });
  send(command);
}

void Process::fail_commands(const std::string& reason) {
  for (const auto& [id, timer] : std::exchange(commands_, {})) callbacks_.on_result({id, false, reason});
}

// --- what is known of it -----------------------------------------------------------------------------------

void Process::set_state(State state) {
  if (state_ == state) return;
  state_ = state;
  callbacks_.on_change();
}

contract::ProcessStatus Process::status() const {
  contract::ProcessStatus status{.process = spec_.process,
                                 .state = state_,
                                 .pid = pid_,
                                 .revision = feed_.applied(),
                                 .refused_reason = feed_.refused_reason(),
                                 .restarts = restarts_,
                                 .last_exit = last_exit_,
                                 .notices = {}};
  for (const auto& [code, notice] : notices_) status.notices.push_back(notice);
  return status;
}

}  // namespace headgate::node
