// SPDX-License-Identifier: Apache-2.0
// SpanExporter: a thread that sends the spans of all shard threads to a collector, by OTLP over HTTP with
// JSON. A collector that is slow or away costs spans, which are counted, and never holds up whoever posts.
// The thread exists from the first target on. Threads: post() each shard thread with its own number; counts()
// and fault() any; the rest the control thread. It outlives whoever posts; its end sends what is left, within
// a bound. Law: posted = exported + dropped + those under way.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/crossing/mailbox.hpp"
#include "dataplane/otlp/collector_client.hpp"
#include "dataplane/otlp/export_retry.hpp"
#include "dataplane/otlp/span.hpp"

namespace headgate::otlp {

// Spans of one thread, as append_json() writes them, joined by commas.
struct SpanPiece {
  std::string spans;
  uint32_t count = 0;
};

struct ExportTarget {
  std::string endpoint;  // empty: nobody wants them
  Resource resource;
};

class SpanExporter {
 public:
  explicit SpanExporter(std::size_t thread_count);
  ~SpanExporter();
  SpanExporter(const SpanExporter&) = delete;
  SpanExporter& operator=(const SpanExporter&) = delete;

  // False: the exporter is behind, or there is none; the spans are lost.
  [[nodiscard]] bool post(std::size_t thread, SpanPiece&& piece);
  void configure(ExportTarget target);

  uint64_t exported() const { return exported_.load(std::memory_order_relaxed); }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  // Why the last request was not taken; empty where it was.
  std::string fault() const;

 private:
  void run();
  SpanPiece take();
  void send(const SpanPiece& spans);
  bool offer(const std::string& endpoint, const std::string& request);
  void note(ExportVerdict verdict, const CollectorClient::Answer& answer);
  void pause(Duration longest);
  bool stopping() const { return stopping_.load(std::memory_order_acquire); }
  TimePoint end_by() const { return end_by_.load(std::memory_order_relaxed); }

  std::vector<std::unique_ptr<crossing::Mailbox<SpanPiece>>> mailboxes_;
  CollectorClient client_;
  std::atomic<bool> running_{false};                 // control: writes, shard threads: read
  std::atomic<bool> stopping_{false};                // control: writes, exporter: reads
  std::atomic<TimePoint> end_by_{TimePoint::max()};  // as well, before `stopping_`
  std::atomic<uint64_t> exported_{0};                // exporter: writes, control: reads
  std::atomic<uint64_t> dropped_{0};                 // as well
  mutable std::mutex mutex_;                         // of the two below; control and exporter only
  ExportTarget target_;
  std::string fault_;
  std::minstd_rand random_{std::random_device{}()};  // exporter only
  std::thread thread_;
};

}  // namespace headgate::otlp
