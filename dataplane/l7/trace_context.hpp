// SPDX-License-Identifier: Apache-2.0
// TraceContext: which trace a request is part of (W3C Trace Context, Level 1:
// https://www.w3.org/TR/trace-context-1/), as the field `traceparent` says it, and what becomes of it here. A
// sender who may not be believed about who the client is (forwarded.hpp) is not believed about its trace
// either: a new one begins, and its `tracestate` goes. Pure: random bits are handed in; views point into the
// arena.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "dataplane/core/arena.hpp"
#include "dataplane/l7/http_message.hpp"

namespace headgate::l7 {

struct TraceContext {
  uint64_t trace_high = 0;  // the trace's id; never all 0
  uint64_t trace_low = 0;
  uint64_t span = 0;  // whose children what comes next are; never 0
  bool sampled = false;

  friend bool operator==(const TraceContext&, const TraceContext&) = default;
};

// Of a later version than ours, what ours says of it (section 4.3 of the standard).
[[nodiscard]] std::optional<TraceContext> parse_traceparent(std::string_view text);

// "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" and its parts.
inline constexpr std::size_t kTraceparentBytes = 55;
[[nodiscard]] std::string_view write_traceparent(const TraceContext& context, Arena& arena);
inline std::string_view trace_id_of(std::string_view traceparent) { return traceparent.substr(3, 32); }
inline std::string_view span_id_of(std::string_view traceparent) { return traceparent.substr(36, 16); }

// Our own span of an exchange.
struct ExchangeTrace {
  TraceContext context;
  std::string_view traceparent;  // ours, for the backend
  std::string_view parent_id;    // the sender's span; empty: the trace begins here
};

// Whether a trace that begins here is one of those that are looked at: by its id alone, so that whoever else
// decides by the same rule decides alike. Of the id the low 56 bits are the random ones (Level 2,
// section 3.2.2.3).
[[nodiscard]] bool is_sampled(const TraceContext& context, uint32_t sample_percent);

// Goes on with the sender's trace where it is believed and there is a valid one, else begins one; and says so
// in the headers, for whoever gets the request next.
[[nodiscard]] ExchangeTrace enter_trace(Headers& headers, bool believed, uint32_t sample_percent,
                                        const std::array<uint64_t, 3>& random, Arena& arena);

}  // namespace headgate::l7
