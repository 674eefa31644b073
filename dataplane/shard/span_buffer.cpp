// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/span_buffer.hpp"

#include <utility>

#include "dataplane/core/limits.hpp"

namespace headgate::shard {

void SpanBuffer::add(const otlp::Span& span) {
  if (piece_.count == 0)
    loop_.arm(*this, limits::kSpanFlushInterval);
  else
    piece_.spans += ',';
  otlp::append_json(span, piece_.spans);
  ++piece_.count;
  counters_.add(Counter::kSpans);
  if (piece_.spans.size() >= limits::kSpanPieceBytes || piece_.count >= limits::kSpansPerPieceMax) flush();
}

void SpanBuffer::flush() {
  if (piece_.count == 0) return;
  const auto count = piece_.count;
  if (!exporter_.post(thread_, std::exchange(piece_, {}))) counters_.add(Counter::kSpansLost, count);
}

}  // namespace headgate::shard
