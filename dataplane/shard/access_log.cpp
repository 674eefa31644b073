// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/access_log.hpp"

#include "dataplane/core/limits.hpp"
#include "dataplane/shard/access_log_writer.hpp"

namespace headgate::shard {

void AccessLogBuffer::configure(const std::shared_ptr<const contract::ShardSettings>& settings) {
  if (settings == settings_) return;
  settings_ = settings;
  enabled_ = settings->access_log != contract::AccessLog::kOff;
  format_ = enabled_ ? LogFormat(*settings) : LogFormat();
}

void AccessLogBuffer::write(const AccessRecord& record) {
  if (!enabled_) return;
  if (lines_.empty()) {
    lines_.reserve(limits::kAccessLogPieceBytes + limits::kLargeBlockBytes);
    loop_.arm(*this, limits::kAccessLogFlushInterval);
  }
  format_.append_line(record, lines_);
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
