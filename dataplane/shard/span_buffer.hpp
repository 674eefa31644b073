// SPDX-License-Identifier: Apache-2.0
// SpanBuffer: the spans of one shard thread, written into its memory and handed in full pieces to the
// exporter, whose own thread does the rest: a collector that is slow loses spans, which are counted, and
// never holds up a request. Thread: one shard thread. The exporter outlives it.
#pragma once

#include <cstddef>

#include "dataplane/otlp/span_exporter.hpp"
#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/event_loop.hpp"

namespace headgate::shard {

class SpanBuffer final : public Timer {
 public:
  SpanBuffer(EventLoop& loop, ThreadCounters& counters, otlp::SpanExporter& exporter, std::size_t thread)
      : loop_(loop), counters_(counters), exporter_(exporter), thread_(thread) {}

  void add(const otlp::Span& span);
  void flush();

 protected:
  void on_deadline() override { flush(); }

 private:
  EventLoop& loop_;
  ThreadCounters& counters_;
  otlp::SpanExporter& exporter_;
  std::size_t thread_;
  otlp::SpanPiece piece_;
};

}  // namespace headgate::shard
