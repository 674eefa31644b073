// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/access_log.hpp"

#include <array>
#include <charconv>

#include "dataplane/core/json_string.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/shard/access_log_writer.hpp"

namespace headgate::shard {
namespace {

// `name` with its punctuation: `,"path":"`.
void put(std::string& line, std::string_view name, std::string_view text) {
  line += name;
  append_json_text(line, text);
  line += '"';
}

void put(std::string& line, std::string_view name, uint64_t number) {
  line += name;
  std::array<char, 20> digits;
  line.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

uint64_t microseconds(Duration duration) {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

void append_end(const AccessRecord& record, std::string& line) {
  if (record.ejected) line += R"(,"ejected":true)";
  if (record.queued > Duration{0}) put(line, R"(,"queued_us":)", microseconds(record.queued));
  put(line, R"(,"ending":")", record.ending);
  if (!record.detail.empty()) put(line, R"(,"detail":")", record.detail);
  line += "}\n";
}

void append_passthrough(const AccessRecord& record, std::string& line) {
  put(line, R"({"time":")", record.time);
  put(line, R"(,"client":")", record.client);
  put(line, R"(,"listener":")", record.listener);
  put(line, R"(,"protocol":")", record.protocol);
  put(line, R"(,"server_name":")", *record.server_name);
  put(line, R"(,"alpn":")", record.alpn);
  put(line, R"(,"received_bytes":)", record.request_body_bytes);
  put(line, R"(,"sent_bytes":)", record.sent_bytes);
  put(line, R"(,"duration_us":)", microseconds(record.duration));
  put(line, R"(,"namespace":")", record.namespace_name);
  put(line, R"(,"route":")", record.route);
  put(line, R"(,"pool":")", record.pool);
  put(line, R"(,"backend":")", record.backend);
  put(line, R"(,"tries":)", record.tries);
}

}  // namespace

void append_json(const AccessRecord& record, std::string& line) {
  if (record.server_name) {
    append_passthrough(record, line);
    return append_end(record, line);
  }
  put(line, R"({"time":")", record.time);
  put(line, R"(,"request_id":")", record.request_id);
  if (!record.trace_id.empty()) {
    put(line, R"(,"trace_id":")", record.trace_id);
    put(line, R"(,"span_id":")", record.span_id);
  }
  put(line, R"(,"client":")", record.client);
  put(line, R"(,"listener":")", record.listener);
  put(line, R"(,"protocol":")", record.protocol);
  put(line, R"(,"method":")", record.method);
  put(line, R"(,"host":")", record.host);
  put(line, R"(,"path":")", record.path);
  if (record.query) put(line, R"(,"query":")", *record.query);
  put(line, R"(,"status":)", record.status);
  put(line, R"(,"request_body_bytes":)", record.request_body_bytes);
  put(line, R"(,"sent_bytes":)", record.sent_bytes);
  put(line, R"(,"duration_us":)", microseconds(record.duration));
  put(line, R"(,"until_response_us":)", microseconds(record.until_response));
  put(line, R"(,"namespace":")", record.namespace_name);
  put(line, R"(,"route":")", record.route);
  put(line, R"(,"rule":")", record.rule);
  put(line, R"(,"backend":")", record.backend);
  put(line, R"(,"tries":)", record.tries);
  if (!record.retry_refused.empty()) put(line, R"(,"retry_refused":")", record.retry_refused);
  append_end(record, line);
}

void AccessLogBuffer::write(const AccessRecord& record) {
  if (!enabled_) return;
  if (lines_.empty()) {
    lines_.reserve(limits::kAccessLogPieceBytes + limits::kLargeBlockBytes);
    loop_.arm(*this, limits::kAccessLogFlushInterval);
  }
  append_json(record, lines_);
  ++line_count_;
  if (lines_.size() >= limits::kAccessLogPieceBytes) flush();
}

void AccessLogBuffer::flush() {
  if (lines_.empty()) return;
  if (!writer_.post(thread_, std::move(lines_))) counters_.add(Counter::kAccessLogLost, line_count_);
  lines_.clear();
  line_count_ = 0;
}

}  // namespace headgate::shard
