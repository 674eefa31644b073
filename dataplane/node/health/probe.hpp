// SPDX-License-Identifier: Apache-2.0
// Probe: one check of one backend, without blocking, with a deadline. Thread: the node's loop, which outlives
// it. It ends with exactly one call of on_done, never from inside the constructor; on_done may destroy it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

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
  using OnDone = std::function<void(ProbeResult)>;
  virtual ~Probe() = default;
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 protected:
  Probe(EventLoop& loop, const ProbeTarget& target, OnDone on_done);

  // Once the socket is on its way: until end(), or until the deadline.
  void await(uint32_t epoll_events, EventLoop::OnReady on_ready);
  // Of a constructor that got no further.
  void end_soon(ProbeResult result);
  void fail_soon(int errno_value);
  void fail(int errno_value);
  // After it nothing of *this may be touched.
  void end(ProbeResult result);

  EventLoop& loop_;
  const ProbeTarget& target_;
  UniqueFd socket_;
  EventLoop::Watch watch_;

 private:
  OnDone on_done_;
  EventLoop::Timer deadline_;
};

// Of the check's type. `tls`: of checks that are https.
std::unique_ptr<Probe> begin_probe(EventLoop& loop, const ProbeTarget& target, const Probe::ContextPtr& tls,
                                   Probe::OnDone on_done);

}  // namespace headgate::node
