// SPDX-License-Identifier: Apache-2.0
// ShardProcess: what it reports. The series are bounded: enumerators, and the ways of requests up to a number
// (traffic_counters.hpp); never hosts or backends.
#include "dataplane/shard/shard_process.hpp"

namespace headgate::shard {
namespace {

// Sums one enumerator over the threads and names it; where `label` is empty the name stands alone.
template <typename Enum>
void add_samples(const std::vector<std::unique_ptr<ShardThread>>& threads, std::size_t first,
                 std::size_t count, std::string_view name, std::string_view label, contract::Stats& stats) {
  for (std::size_t i = first; i < count; ++i) {
    const auto value = static_cast<Enum>(i);
    contract::Sample sample;
    for (const auto& thread : threads) sample.value += thread->counters().read(value);
    if (label.empty()) {
      sample.name = std::string(name) + std::string(name_of(value));
    } else {
      sample.name = name;
      sample.labels.emplace(label, name_of(value));
    }
    stats.samples.push_back(std::move(sample));
  }
}

}  // namespace

contract::Stats ShardProcess::stats() const {
  contract::Stats stats;
  add_samples<Counter>(threads_, 0, kCounters, "", "", stats);
  add_samples<Ending>(threads_, 0, kEndings, "exchanges_total", "ending", stats);
  add_samples<http1::Fault>(threads_, 1, http1::kFaults, "malformed_total", "fault", stats);
  add_samples<HelloFault>(threads_, 1, kHelloFaults, "client_hellos_refused_total", "fault", stats);
  add_samples<l7::Outcome>(threads_, 1, l7::kOutcomes, "not_routed_total", "outcome", stats);
  add_samples<tls::HandshakeFailure>(threads_, 1, tls::kHandshakeFailures, "tls_handshake_failures_total",
                                     "reason", stats);
  for (std::size_t i = 1; i < tls::kHandshakeFailures; ++i) {
    const auto failure = static_cast<tls::HandshakeFailure>(i);
    contract::Sample sample{.name = "upstream_tls_failures_total", .labels = {}, .value = 0};
    sample.labels.emplace("reason", name_of(failure));
    for (const auto& thread : threads_) sample.value += thread->counters().read_upstream(failure);
    stats.samples.push_back(std::move(sample));
  }
  for (const auto& thread : threads_) thread->traffic().add_to(stats.traffic);
  stats.samples.push_back({.name = "spans_exported_total", .labels = {}, .value = spans_.exported()});
  stats.samples.push_back({.name = "spans_undelivered_total", .labels = {}, .value = spans_.dropped()});
  return stats;
}

std::vector<contract::Notice> ShardProcess::notices() const {
  const std::string fault = log_.fault();
  const std::string unsent = spans_.fault();
  return {
      contract::Notice{"access_log_lost", fault.empty() ? "" : "the access log loses lines: " + fault, true},
      contract::Notice{"spans_undelivered",
                       unsent.empty() ? "" : "the tracing endpoint takes no spans: " + unsent, true},
      contract::Notice{"memory_short", memory_.notice(), true},
      contract::Notice{"tls_certificates", tls_.problems(), true}};
}

}  // namespace headgate::shard
