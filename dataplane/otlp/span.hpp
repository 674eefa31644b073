// SPDX-License-Identifier: Apache-2.0
// Span: one operation of a trace as OTLP's JSON encoding says it (opentelemetry-proto, docs/specification.md:
// ids in hexadecimal, 64-bit integers as strings, enumerators as numbers). Many of them, joined by commas,
// and who they are of make one export request. Pure; views only during the call; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace headgate::otlp {

struct Attribute {
  std::string_view key;
  std::variant<std::string_view, int64_t> value;
};

enum class SpanKind : uint8_t { kServer = 2, kClient = 3 };  // the wire's numbers

struct Span {
  std::string_view trace_id;
  std::string_view span_id;
  std::string_view parent_id;  // empty: the trace begins with it
  std::string_view name;
  SpanKind kind = SpanKind::kServer;
  int64_t start_unix_ns = 0;
  int64_t end_unix_ns = 0;
  std::span<const Attribute> attributes;
  bool failed = false;
};

void append_json(const Span& span, std::string& out);

// Attributes of whoever sends: service.name and so on.
using Resource = std::vector<std::pair<std::string, std::string>>;

// `spans`: at least one, as append_json() writes them, joined by commas.
[[nodiscard]] std::string write_export_request(const Resource& resource, std::string_view spans);

}  // namespace headgate::otlp
