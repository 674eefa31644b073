// SPDX-License-Identifier: Apache-2.0
// AccessLogBuffer: writes one JSON line an exchange into memory of its thread and hands full pieces to the
// AccessLogWriter, whose own thread does all file work: a slow disk loses lines, which are counted, and never
// holds up a request. Threads: the buffer one shard thread; the writer as said in access_log_writer.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/contract/objects.hpp"
#include "dataplane/shard/counters.hpp"
#include "dataplane/shard/event_loop.hpp"
#include "dataplane/shard/log_format.hpp"

namespace headgate::shard {

class AccessLogWriter;

class AccessLogBuffer final : public Timer {
 public:
  AccessLogBuffer(EventLoop& loop, ThreadCounters& counters, AccessLogWriter& writer, std::size_t thread)
      : loop_(loop), counters_(counters), writer_(writer), thread_(thread) {}

  // Costs nothing where they are those that it has.
  void configure(const std::shared_ptr<const contract::ShardSettings>& settings);
  const LogFormat& format() const { return format_; }
  void write(const AccessRecord& record);
  void flush();

 protected:
  void on_deadline() override { flush(); }

 private:
  EventLoop& loop_;
  ThreadCounters& counters_;
  AccessLogWriter& writer_;
  std::size_t thread_;
  std::shared_ptr<const contract::ShardSettings> settings_;
  bool enabled_ = false;
  LogFormat format_;
  std::string lines_;
  uint64_t line_count_ = 0;
};

}  // namespace headgate::shard
