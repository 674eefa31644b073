// SPDX-License-Identifier: Apache-2.0
#include "dataplane/node/health/prober.hpp"

#include <algorithm>
#include <utility>

#include <xxhash.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/core/log.hpp"

namespace headgate::node {

Duration until_probe(const ProbeKey& key, Duration interval, TimePoint now) {
  const auto text = key.pool + ' ' + key.member + ' ' + key.endpoint.to_string();
  const auto phase = Duration(
      static_cast<int64_t>(XXH3_64bits(text.data(), text.size()) % static_cast<uint64_t>(interval.count())));
  const auto into_interval = Duration(now.time_since_epoch().count() % interval.count());
  return phase > into_interval ? phase - into_interval : phase - into_interval + interval;
}

// Half an interval behind it at the earliest: one that began a little ahead of its phase has been that
// phase's.
Duration until_next_probe(const ProbeKey& key, Duration interval, TimePoint began, TimePoint now) {
  const TimePoint earliest = began + interval / 2;
  return std::max(earliest + until_probe(key, interval, earliest) - now, Duration::zero());
}

namespace {

Duration interval_of(const contract::HealthCheck& check) {
  return std::max<Duration>(check.interval, limits::kProbeIntervalMin);
}

}  // namespace

Prober::Prober(EventLoop& loop, OnResult on_result) : loop_(loop), on_result_(std::move(on_result)) {
  tls::ClientPolicy policy;
  policy.verifies = false;
  policy.protocol = "http/1.1";
  auto made = tls::ClientContext::make(policy);
  if (made.ok())
    tls_ = *std::move(made);
  else
    log::error("health checks of type https can't be made: " + made.error().message);
}

void Prober::want(const ProbeKey& key, const contract::HealthCheck& check, const std::string& tls_name,
                  std::optional<contract::ProxyVersion> proxy_protocol) {
  auto& entry = entries_[key];
  ProbeTarget target{check, key.member, key.endpoint, tls_name, proxy_protocol};
  const bool known = entry.timer.active() || entry.queued || entry.probe != nullptr;
  if (known && entry.target == target) return;
  if (std::exchange(entry.probe, nullptr) != nullptr) --running_;
  entry.target = std::move(target);
  if (!entry.queued) schedule(key, entry, until_probe(key, interval_of(check), monotonic_now()));
}

void Prober::forget(const ProbeKey& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  if (found->second.probe != nullptr) --running_;
  if (found->second.queued) std::erase(queue_, key);
  entries_.erase(found);
  start_queued();
}

void Prober::schedule(const ProbeKey& key, Entry& entry, Duration delay) {
  entry.timer = loop_.after(delay, [this, key] { start(key); });
}

void Prober::start(const ProbeKey& key) {
  auto& entry = entries_.at(key);
  if (running_ >= limits::kProbesAtOnceMax) {
    entry.queued = true;
    queue_.push_back(key);
    return;
  }
  ++running_;
  entry.began = monotonic_now();
  entry.probe = begin_probe(loop_, entry.target, tls_,
                            [this, key](ProbeResult result) { on_done(key, std::move(result)); });
}

void Prober::on_done(const ProbeKey& key, ProbeResult result) {
  auto& entry = entries_.at(key);
  entry.probe.reset();
  --running_;
  schedule(key, entry, until_next_probe(key, interval_of(entry.target.check), entry.began, monotonic_now()));
  start_queued();
  on_result_(key, result);  // last: it may forget the key
}

void Prober::start_queued() {
  while (!queue_.empty() && running_ < limits::kProbesAtOnceMax) {
    const ProbeKey key = std::move(queue_.front());
    queue_.pop_front();
    entries_.at(key).queued = false;
    start(key);
  }
}

}  // namespace headgate::node
