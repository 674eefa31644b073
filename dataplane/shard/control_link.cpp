// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/control_link.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <malloc.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"

namespace headgate::shard {
namespace {

constexpr auto kSettlePoll = std::chrono::milliseconds(1);
constexpr auto kDrainPoll = std::chrono::milliseconds(20);
constexpr contract::Millis kSignalDrainTimeout{30'000};
// The text of so many objects, and what was parsed of it, is larger than they are, and lies between them.
constexpr std::size_t kUpsertsBeforeTrim = 1'000;

template <typename... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <typename... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;  // clang 14 does not deduce it of an aggregate

}  // namespace

ControlLink::ControlLink(ShardProcess& process, UniqueFd listening, UniqueFd signals,
                         std::function<void()> each_report)
    : process_(process),
      listening_(std::move(listening)),
      signals_(std::move(signals)),
      each_report_(std::move(each_report)) {}

Result<void> ControlLink::run() {
  next_report_ = monotonic_now() + limits::kReportInterval;
  while (!exit_by_ || (!process_.drained() && monotonic_now() < *exit_by_)) {
    std::array<pollfd, 3> fds{{{signals_.get(), POLLIN, 0}, {listening_.get(), POLLIN, 0}, {-1, POLLIN, 0}}};
    if (node_) {
      fds[2].fd = node_->fd();
      if (node_->wants_write()) fds[2].events |= POLLOUT;
    }
    if (::poll(fds.data(), fds.size(), wait_ms()) < 0 && errno != EINTR)
      return system_error(errno, "waiting for headgate-node");
    if (fds[0].revents) take_signal();
    if (fds[2].revents) hear_node();
    if (fds[1].revents) accept_node();
    if (const auto served = process_.settle()) say(contract::Acknowledgement{*served, true, {}});
    if (!process_.settling() && std::exchange(trim_wanted_, false)) ::malloc_trim(0);
    const TimePoint now = monotonic_now();
    if (const auto due = process_.memory_due(); due && now >= *due) process_.look_at_memory(now);
    if (now >= next_report_) report();
  }
  if (!process_.drained()) log::warning("the drain timeout is over: closing what still runs");
  return {};
}

int ControlLink::wait_ms() const {
  const TimePoint next = std::min(next_report_, process_.memory_due().value_or(next_report_));
  auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - monotonic_now());
  if (process_.settling()) wait = std::min<std::chrono::milliseconds>(wait, kSettlePoll);
  if (exit_by_) wait = std::min<std::chrono::milliseconds>(wait, kDrainPoll);
  return static_cast<int>(std::max<int64_t>(0, wait.count()));
}

void ControlLink::accept_node() {
  UniqueFd socket(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) return;
  node_.emplace(std::move(socket));
  told_.clear();
  say(contract::Hello{.process = "shard/" + process_.name(),
                      .build = HEADGATE_VERSION,
                      .pid = ::getpid(),
                      .revision = process_.revision()});
}

void ControlLink::hear_node() {
  if (auto flushed = node_->flush(); !flushed.ok()) return node_.reset();
  while (node_) {
    auto received = node_->receive();
    if (!received.ok()) {
      if (received.error().code != ErrorCode::kUnavailable) log::warning(received.error().message);
      return node_.reset();
    }
    if (!*received) return;
    obey(std::move(**received));
  }
}

void ControlLink::obey(contract::Received received) {
  std::visit(
      Overloaded{
          [&](const contract::Configure& configure) { obey_configure(configure); },
          [&](const contract::HealthDelta& health) { process_.apply(health); },
          [&](contract::Secrets& secrets) { process_.add(std::move(secrets)); },
          [&](const contract::SocketSet& set) {
            if (auto done = process_.set_sockets(set, std::move(received.fds)); !done.ok())
              log::error(done.error().message);
          },
          [&](const contract::SocketsWanted&) { say(process_.sockets(), process_.socket_fds()); },
          [&](const contract::Command& command) { say(process_.answer(command)); },
          [&](const contract::Stop& order) { stop(order.drain_timeout); },
          [&](const auto&) { log::warning("headgate-node said what only a process says; passed over"); },
      },
      received.message);
}

void ControlLink::obey_configure(const contract::Configure& configure) {
  trim_wanted_ |= configure.delta.upserts.size() >= kUpsertsBeforeTrim;
  if (auto applied = process_.apply(configure.delta); !applied.ok())
    say(contract::Acknowledgement{configure.delta.revision, false, applied.error().message});
}

void ControlLink::take_signal() {
  signalfd_siginfo info{};
  if (::read(signals_.get(), &info, sizeof info) != sizeof info) return;
  // A second signal means now.
  stop(exit_by_ ? contract::Millis(0) : kSignalDrainTimeout);
}

void ControlLink::stop(contract::Millis drain_timeout) {
  if (!exit_by_) process_.drain();
  exit_by_ = monotonic_now() + drain_timeout;
}

void ControlLink::report() {
  next_report_ = monotonic_now() + limits::kReportInterval;
  if (each_report_ && !exit_by_) each_report_();
  if (!node_) return;
  say(process_.stats());
  auto notices = process_.notices();
  for (const auto& notice : notices)
    if (std::find(told_.begin(), told_.end(), notice) == told_.end() &&
        (!notice.text.empty() || !told_.empty()))
      say(notice);
  told_ = std::move(notices);
}

void ControlLink::say(const contract::Message& message, const std::vector<int>& fds) {
  if (!node_) return;
  if (auto sent = node_->send(message, fds); !sent.ok()) {
    log::warning("telling headgate-node: " + sent.error().message);
    node_.reset();
  }
}

}  // namespace headgate::shard
