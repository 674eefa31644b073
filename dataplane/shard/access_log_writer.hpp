// SPDX-License-Identifier: Apache-2.0
// AccessLogWriter: a thread that writes the lines of all shard threads to a file, which it rotates, or to
// stderr. Threads: post() each shard thread with its own number; configure(), start(), stop() the control
// thread. It outlives the buffers.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/contract/objects.hpp"
#include "dataplane/core/unique_fd.hpp"
#include "dataplane/crossing/mailbox.hpp"
#include "dataplane/shard/rotating_file.hpp"

namespace headgate::shard {

struct AccessLogSettings {
  contract::AccessLog to = contract::AccessLog::kOff;
  uint64_t file_bytes_max = 64u << 20;
  uint32_t files = 5;
};

class AccessLogWriter {
 public:
  AccessLogWriter(std::size_t thread_count, std::string path);
  ~AccessLogWriter();
  AccessLogWriter(const AccessLogWriter&) = delete;
  AccessLogWriter& operator=(const AccessLogWriter&) = delete;

  // False: the writer is behind; the lines are lost.
  [[nodiscard]] bool post(std::size_t thread, std::string&& lines);
  void configure(const AccessLogSettings& settings);
  // Why the last piece could not be written; empty where it was.
  std::string fault() const;

 private:
  void run();
  void write(const std::string& lines);

  std::vector<std::unique_ptr<crossing::Mailbox<std::string>>> mailboxes_;
  UniqueFd wakeup_;
  std::atomic<bool> stopping_{false};  // control: writes, writer: reads
  mutable std::mutex mutex_;           // of the two below; control and writer only
  AccessLogSettings settings_;
  std::string fault_;
  RotatingFile file_;  // writer only
  std::thread thread_;
};

}  // namespace headgate::shard
