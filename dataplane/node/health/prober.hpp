// SPDX-License-Identifier: Apache-2.0
// Prober: probes each target once an interval, the targets spread over it, so many at once at most. Thread:
// the node's loop, which outlives it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "dataplane/node/event_loop.hpp"
#include "dataplane/node/health/probe.hpp"

namespace headgate::node {

// What is probed: one address behind one backend of one pool, whichever shards use it.
struct ProbeKey {
  std::string pool;    // Pool::uid
  std::string member;  // "host:port"
  Endpoint endpoint;
  friend auto operator<=>(const ProbeKey&, const ProbeKey&) = default;
};

// How long after `now` the next probe of a key is due: each key has a phase of its own in the interval, so
// that a thousand backends of one interval are a steady stream and not a burst. Pure.
Duration until_probe(const ProbeKey& key, Duration interval, TimePoint now);
// The same after a probe that began at `began` and is over: at once where it took until its successor was
// due, so that a backend that does not answer is not asked more seldom than one that does. Pure.
Duration until_next_probe(const ProbeKey& key, Duration interval, TimePoint began, TimePoint now);

class Prober {
 public:
  using OnResult = std::function<void(const ProbeKey&, const ProbeResult&)>;
  Prober(EventLoop& loop, OnResult on_result);

  // New, or changed. `tls_name`: asked for where the check is https.
  void want(const ProbeKey& key, const contract::HealthCheck& check, const std::string& tls_name,
            std::optional<contract::ProxyVersion> proxy_protocol = {});
  void forget(const ProbeKey& key);

 private:
  struct Entry {
    ProbeTarget target;
    EventLoop::Timer timer;
    std::unique_ptr<Probe> probe;  // while it runs
    TimePoint began{};             // the last of them
    bool queued = false;
  };
  void schedule(const ProbeKey& key, Entry& entry, Duration delay);
  void start(const ProbeKey& key);
  void on_done(const ProbeKey& key, ProbeResult result);
  void start_queued();

  EventLoop& loop_;
  OnResult on_result_;
  Probe::ContextPtr tls_;  // believes whatever is shown: what a certificate is worth, exchanges find out
  std::map<ProbeKey, Entry> entries_;
  std::size_t running_ = 0;
  std::deque<ProbeKey> queue_;  // due, but kProbesAtOnceMax run already; at most one of a key
};

}  // namespace headgate::node
