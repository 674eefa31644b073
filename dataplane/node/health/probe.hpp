// SPDX-License-Identifier: Apache-2.0
// Probe: one TCP connect or HTTP exchange with one backend, without blocking, with a deadline. Thread: the
// node's loop, which outlives it. It ends with exactly one call of on_done, never from inside the
// constructor; on_done may destroy it.
#pragma once

#include <functional>
#include <string>

#include "dataplane/contract/objects.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/node/event_loop.hpp"

namespace headgate::node {

struct ProbeTarget {
  contract::HealthCheck check;
  std::string member;  // "host:port" as the pool says it
  Endpoint endpoint;

  friend bool operator==(const ProbeTarget&, const ProbeTarget&) = default;
};

struct ProbeResult {
  bool good = false;
  std::string reason;  // why not
};

class Probe {
 public:
  Probe(EventLoop& loop, const ProbeTarget& target, std::function<void(ProbeResult)> on_done);

 private:
  void on_ready();
  void send_request();
  void receive_answer();
  void end(ProbeResult result);
  void fail(int errno_value);

  EventLoop& loop_;
  const ProbeTarget& target_;
  std::function<void(ProbeResult)> on_done_;
  UniqueFd socket_;
  EventLoop::Watch watch_;
  EventLoop::Timer deadline_;
  bool connected_ = false;
  std::string outbox_, inbox_;
};

}  // namespace headgate::node
