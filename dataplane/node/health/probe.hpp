// SPDX-License-Identifier: Apache-2.0
// Probe: one TCP connect or HTTP exchange, plain or over TLS, with one backend, without blocking, with a
// deadline. Thread: the node's loop, which outlives it. It ends with exactly one call of on_done, never from
// inside the constructor; on_done may destroy it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/contract/objects.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/node/event_loop.hpp"
#include "dataplane/tls/session.hpp"

namespace headgate::node {

struct ProbeTarget {
  contract::HealthCheck check;
  std::string member;  // "host:port" as the pool says it
  Endpoint endpoint;
  std::string tls_name{};  // asked for where the check is https: a DNS name or an address
  std::optional<contract::ProxyVersion> proxy_protocol{};  // in which it says first that it speaks for itself

  friend bool operator==(const ProbeTarget&, const ProbeTarget&) = default;
};

struct ProbeResult {
  bool good = false;
  std::string reason;  // why not
};

class Probe {
 public:
  using ContextPtr = std::shared_ptr<const tls::ClientContext>;
  // `tls`: of checks that are https.
  Probe(EventLoop& loop, const ProbeTarget& target, const ContextPtr& tls,
        std::function<void(ProbeResult)> on_done);

 private:
  void on_ready(uint32_t epoll_events);
  void on_connected();
  bool send_proxy_header();
  void exchange_over_tls();
  void wait_for_tls(tls::Session::Status status);
  void send_request();
  void receive_answer();
  void take_answer(std::string_view bytes);
  void end(ProbeResult result);
  void fail(int errno_value);

  EventLoop& loop_;
  const ProbeTarget& target_;
  ContextPtr tls_;
  std::function<void(ProbeResult)> on_done_;
  UniqueFd socket_;
  tls::Session session_;  // where the check is https
  EventLoop::Watch watch_;
  EventLoop::Timer deadline_;
  bool connected_ = false;
  bool shook_hands_ = false;
  std::string outbox_, inbox_;
};

}  // namespace headgate::node
