// SPDX-License-Identifier: Apache-2.0
#include "dataplane/otlp/span.hpp"

#include <array>
#include <charconv>

#include "dataplane/core/json_string.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::otlp {
namespace {

constexpr char kStatusError = '2';

void append_number(std::string& out, int64_t number) {
  std::array<char, 20> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_attribute(std::string& out, std::string_view key, std::string_view text) {
  out += R"({"key":")";
  append_json_text(out, key);
  out += R"(","value":{"stringValue":")";
  append_json_text(out, text.substr(0, limits::kSpanTextBytesMax));
  out += R"("}})";
}

void append_attribute(std::string& out, std::string_view key, int64_t number) {
  out += R"({"key":")";
  append_json_text(out, key);
  out += R"(","value":{"intValue":")";
  append_number(out, number);
  out += R"("}})";
}

}  // namespace

void append_json(const Span& span, std::string& out) {
  out += R"({"traceId":")";
  out += span.trace_id;
  out += R"(","spanId":")";
  out += span.span_id;
  if (!span.parent_id.empty()) {
    out += R"(","parentSpanId":")";
    out += span.parent_id;
  }
  out += R"(","name":")";
  append_json_text(out, span.name.substr(0, limits::kSpanTextBytesMax));
  out += R"(","kind":)";
  append_number(out, static_cast<int64_t>(span.kind));
  out += R"(,"startTimeUnixNano":")";
  append_number(out, span.start_unix_ns);
  out += R"(","endTimeUnixNano":")";
  append_number(out, span.end_unix_ns);
  out += R"(","attributes":[)";
  bool first = true;
  for (const auto& attribute : span.attributes) {
    if (!std::exchange(first, false)) out += ',';
    std::visit([&](auto value) { append_attribute(out, attribute.key, value); }, attribute.value);
  }
  out += R"(],"status":{)";
  if (span.failed) (out += R"("code":)") += kStatusError;
  out += "}}";
}

std::string write_export_request(const Resource& resource, std::string_view spans) {
  std::string request = R"({"resourceSpans":[{"resource":{"attributes":[)";
  bool first = true;
  for (const auto& [key, value] : resource) {
    if (!std::exchange(first, false)) request += ',';
    append_attribute(request, key, std::string_view(value));
  }
  request += R"(]},"scopeSpans":[{"scope":{"name":"headgate"},"spans":[)";
  request += spans;
  request += "]}]}]}";
  return request;
}

}  // namespace headgate::otlp
