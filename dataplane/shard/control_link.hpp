// SPDX-License-Identifier: Apache-2.0
// ControlLink: the process's side of the conversation with headgate-node (contract/message.hpp). Accepts one
// connection at a time on the listening socket that it was given, a newer one replaces it; without any the
// shard goes on serving. Ends with a Stop or a signal, after the drain. Thread: control.
#pragma once

#include <functional>
#include <optional>

#include "dataplane/contract/channel.hpp"
#include "dataplane/core/clock.hpp"
#include "dataplane/shard/shard_process.hpp"

namespace headgate::shard {

class ControlLink {
 public:
  // `listening` may be empty: standalone. `signals`: a signalfd of SIGTERM and SIGINT. `each_report`: called
  // as often as a report is due, for what is looked at and doesn't come.
  ControlLink(ShardProcess& process, UniqueFd listening, UniqueFd signals,
              std::function<void()> each_report = {});

  Result<void> run();  // until the process should exit

 private:
  int wait_ms() const;
  void accept_node();
  void hear_node();
  void obey(contract::Received received);
  void obey_configure(const contract::Configure& configure);
  void take_signal();
  void stop(contract::Millis drain_timeout);
  void report();
  void say(const contract::Message& message, const std::vector<int>& fds = {});

  ShardProcess& process_;
  UniqueFd listening_;
  UniqueFd signals_;
  std::function<void()> each_report_;
  std::optional<contract::Channel> node_;
  std::optional<TimePoint> exit_by_;
  TimePoint next_report_;
  bool trim_wanted_ = false;
  std::vector<contract::Notice> told_;
};

}  // namespace headgate::shard
