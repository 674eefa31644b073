// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fastpath/control.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/core/log.hpp"

namespace headgate::fastpath {
namespace {

constexpr int kSettleMs = 1;  // between two looks at what the workers have seen or left

}  // namespace

Control::Control(UniqueFd listener, UniqueFd stop_signals, TableKeeper& keeper, const Workers& workers,
                 std::vector<const Port*> ports, std::vector<FlowFile>& flow_files,
                 std::vector<contract::Notice> notices)
    : listener_(std::move(listener)),
      stop_signals_(std::move(stop_signals)),
      keeper_(&keeper),
      workers_(&workers),
      ports_(std::move(ports)),
      flow_files_(&flow_files),
      notices_(std::move(notices)),
      explainer_(workers, keeper),
      capturer_(workers, keeper) {}

void Control::await_configuration(Duration patience) {
  const TimePoint deadline = monotonic_now() + patience;
  while (!stop_ && keeper_->revision() == 0 && monotonic_now() < deadline) turn();
}

void Control::run() {
  while (!stop_) turn();
}

void Control::turn() {
  const short node_events = node_ && node_->wants_write() ? POLLIN | POLLOUT : POLLIN;
  std::array<pollfd, 5> waited{{{listener_.get(), POLLIN, 0},
                                {stop_signals_.get(), POLLIN, 0},
                                {node_ ? node_->fd() : -1, node_events, 0},
                                {keeper_->network_fd(), POLLIN, 0},
                                {keeper_->wanted_fd(), POLLIN, 0}}};
  ::poll(waited.data(), waited.size(), timeout_ms(monotonic_now()));
  if (waited[1].revents != 0) {
    stop_ = true;
    return;
  }
  if (waited[3].revents != 0) keeper_->on_network_events(monotonic_now());
  if (const auto next = keeper_->next_change(); next && monotonic_now() >= *next)
    keeper_->on_time(monotonic_now());
  if (waited[4].revents != 0) keeper_->want_neighbours(*workers_, monotonic_now());
  if (waited[2].revents != 0) read_messages();
  if (waited[0].revents != 0) accept_node();
  acknowledge_if_applied();
  if (auto explained = explainer_.look(monotonic_now())) send(*std::move(explained));
  if (auto captured = capturer_.look(monotonic_now())) send(*std::move(captured));
  if (monotonic_now() >= report_at_) report();
}

int Control::timeout_ms(TimePoint now) const {
  if (unacknowledged_ != 0 || explainer_.is_busy() || capturer_.is_busy()) return kSettleMs;
  const TimePoint next = std::min(keeper_->next_change().value_or(report_at_), report_at_);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now);
  return std::max(0, static_cast<int>(left.count()));
}

void Control::accept_node() {
  UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) return;
  lose_node();
  node_.emplace(std::move(socket));
  send(contract::Hello{"l4", HEADGATE_VERSION, ::getpid(), keeper_->revision()});
  for (const auto& notice : notices_) send(notice);
}

// What it asked for is of no use to the next.
void Control::lose_node() {
  node_.reset();
  capturer_.abandon();
}

void Control::read_messages() {
  while (node_ && !stop_) {
    auto flushed = node_->flush();
    auto received =
        flushed.ok() ? node_->receive() : Result<std::optional<contract::Received>>(flushed.error());
    if (!received.ok()) {
      log::info(fmt::format("headgate-node is gone ({}): going on as configured", received.error().message));
      lose_node();
      return;
    }
    if (!*received) return;
    handle((*received)->message);
  }
}

void Control::handle(const contract::Message& message) {
  if (const auto* to_configure = std::get_if<contract::Configure>(&message)) return configure(*to_configure);
  if (const auto* health = std::get_if<contract::HealthDelta>(&message))
    return keeper_->update_health(*health, monotonic_now());
  if (std::holds_alternative<contract::Stop>(message)) {
    stop_ = true;
    return;
  }
  if (const auto* command = std::get_if<contract::Command>(&message)) execute(*command);
}

void Control::execute(const contract::Command& command) {
  if (command.verb == "explain") return explainer_.take(command);
  if (command.verb == "capture") return capturer_.begin(command, monotonic_now());
  if (command.verb == "end_capture") return capturer_.end(command);
  send(contract::CommandResult{command.id, false, "headgate-l4 has no command " + command.verb});
}

void Control::configure(const contract::Configure& message) {
  auto taken = keeper_->configure(message.delta, monotonic_now());
  if (!taken.ok()) {
    log::warning(fmt::format("revision {} refused: {}", message.delta.revision, taken.error().message));
    send(contract::Acknowledgement{message.delta.revision, false, taken.error().message});
    return;
  }
  unacknowledged_ = message.delta.revision;
}

void Control::acknowledge_if_applied() {
  if (!keeper_->settle(monotonic_now()) || unacknowledged_ == 0) return;
  send(contract::Acknowledgement{std::exchange(unacknowledged_, 0), true, ""});
}

void Control::report() {
  const TimePoint now = monotonic_now();
  report_at_ = now + std::chrono::seconds(1);
  for (auto& file : *flow_files_) file.touch(now);
  for (const auto& worker : *workers_) {
    const uint64_t deficit = law_deficit(worker->read_counters());
    if (deficit == 0 || law_broken_) continue;
    law_broken_ = true;
    log::error(fmt::format("{} packets are not accounted for: this is a defect of headgate-l4", deficit));
    notices_.push_back({"law_broken", fmt::format("{} packets are not accounted for", deficit), true});
    send(notices_.back());
  }
  if (node_) send(collect_stats(*workers_, ports_, *keeper_));
}

void Control::send(const contract::Message& message) {
  if (!node_) return;
  auto sent = node_->send(message);
  if (sent.ok()) return;
  log::warning(fmt::format("dropping headgate-node's connection: {}", sent.error().message));
  lose_node();
}

}  // namespace headgate::fastpath
