// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l7/trace_context.hpp"

namespace headgate::l7 {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr uint64_t kSampledFlag = 1;

// Lower case alone, as section 3.2.2 has it.
std::optional<uint64_t> parse_hex(std::string_view text) {
  uint64_t value = 0;
  for (const char c : text) {
    const auto digit = kHex.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

char* write_hex(uint64_t value, char* out) {
  for (int shift = 60; shift >= 0; shift -= 4) *out++ = kHex[value >> shift & 0xf];
  return out;
}

char* write_text(std::string_view text, char* out) {
  text.copy(out, text.size());
  return out + text.size();
}

// Two of them are none: which one would be meant?
std::optional<TraceContext> sole_traceparent(const Headers& headers) {
  const Header* found = nullptr;
  for (const auto& field : headers) {
    if (field.id != HeaderId::kTraceparent) continue;
    if (found) return std::nullopt;
    found = &field;
  }
  return found ? parse_traceparent(found->value) : std::nullopt;
}

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view text) {
  if (text.size() < kTraceparentBytes || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  const auto version = parse_hex(text.substr(0, 2));
  if (!version || *version == 0xff) return std::nullopt;
  const bool longer = text.size() > kTraceparentBytes;
  if (longer && (*version == 0 || text[kTraceparentBytes] != '-')) return std::nullopt;
  const auto high = parse_hex(text.substr(3, 16));
  const auto low = parse_hex(text.substr(19, 16));
  const auto span = parse_hex(text.substr(36, 16));
  const auto flags = parse_hex(text.substr(53, 2));
  if (!high || !low || !span || !flags) return std::nullopt;
  if ((*high == 0 && *low == 0) || *span == 0) return std::nullopt;
  return TraceContext{*high, *low, *span, (*flags & kSampledFlag) != 0};
}

std::string_view write_traceparent(const TraceContext& context, Arena& arena) {
  char* const begin = arena.allocate(kTraceparentBytes);
  char* at = write_text("00-", begin);
  at = write_hex(context.trace_high, at);
  at = write_hex(context.trace_low, at);
  at = write_text("-", at);
  at = write_hex(context.span, at);
  write_text(context.sampled ? "-01" : "-00", at);
  return {begin, kTraceparentBytes};
}

bool is_sampled(const TraceContext& context, uint32_t sample_percent) {
  constexpr unsigned kRandomBits = 56;
  const uint64_t random = context.trace_low & ((uint64_t{1} << kRandomBits) - 1);
  return sample_percent >= 100 || random < (uint64_t{1} << kRandomBits) / 100 * sample_percent;
}

ExchangeTrace enter_trace(Headers& headers, bool believed, uint32_t sample_percent,
                          const std::array<uint64_t, 3>& random, Arena& arena) {
  ExchangeTrace trace;
  const auto sender = believed ? sole_traceparent(headers) : std::nullopt;
  if (sender) {
    trace.context = *sender;
    trace.parent_id = span_id_of(write_traceparent(*sender, arena));
  } else {
    trace.context.trace_high = random[0];
    trace.context.trace_low = random[1] != 0 ? random[1] : 1;
    trace.context.sampled = is_sampled(trace.context, sample_percent);
  }
  trace.context.span = random[2] != 0 ? random[2] : 1;
  trace.traceparent = write_traceparent(trace.context, arena);
  headers.remove_if([&](const Header& field) {
    return field.id == HeaderId::kTraceparent || (!sender && field.id == HeaderId::kTracestate);
  });
  headers.add(HeaderId::kTraceparent, trace.traceparent);
  return trace;
}

}  // namespace headgate::l7
