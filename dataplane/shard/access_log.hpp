// SPDX-License-Identifier: Apache-2.0
// AccessLogBuffer: writes one JSON line an exchange into memory of its thread and hands full pieces to the
// AccessLogWriter, whose own thread does all file work: a slow disk loses lines, which are counted, and never
// holds up a request. Threads: the buffer one shard thread; the writer as said in access_log_writer.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/core/clock.hpp"
#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/event_loop.hpp"

namespace headgate::shard {

class AccessLogWriter;

// What a line says. Views: only during write().
struct AccessRecord {
  std::string_view time;
  std::string_view request_id;
  std::string_view trace_id;  // with span_id; empty: nobody traces it here
  std::string_view span_id;
  std::string_view client;
  std::string_view listener;
  std::string_view protocol;
  std::string_view method;
  std::string_view host;
  std::string_view path;
  std::optional<std::string_view> query;
  uint16_t status = 0;  // 0: none was sent
  uint64_t request_body_bytes = 0;
  uint64_t sent_bytes = 0;
  Duration duration{0};
  Duration until_response{0};  // until the backend's head; 0: there was none
  std::string_view namespace_name;
  std::string_view route;
  std::string_view rule;
  std::string_view backend;
  unsigned tries = 0;
  std::string_view retry_refused;  // why a retry that the rule wanted was not made; mostly empty
  bool ejected = false;            // a try of it was the last straw: its backend is passed over for a while
  Duration queued{0};              // for a connection
  std::string_view ending;
  std::string_view detail;
  // Of TLS that is passed through, and nothing else; then there is no method, path, status, … to be told. The
  // bytes are those of the connection.
  std::optional<std::string_view> server_name;
  std::string_view alpn;
  std::string_view pool;
};

void append_json(const AccessRecord& record, std::string& line);  // with its newline

class AccessLogBuffer final : public Timer {
 public:
  AccessLogBuffer(EventLoop& loop, ThreadCounters& counters, AccessLogWriter& writer, std::size_t thread)
      : loop_(loop), counters_(counters), writer_(writer), thread_(thread) {}

  void enable(bool enabled) { enabled_ = enabled; }
  void write(const AccessRecord& record);
  void flush();

 protected:
  void on_deadline() override { flush(); }

 private:
  EventLoop& loop_;
  ThreadCounters& counters_;
  AccessLogWriter& writer_;
  std::size_t thread_;
  bool enabled_ = false;
  std::string lines_;
  uint64_t line_count_ = 0;
};

}  // namespace headgate::shard
