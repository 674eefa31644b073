// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/access_log_writer.hpp"

#include <cerrno>

#include <sys/eventfd.h>
#include <unistd.h>

#include "dataplane/core/limits.hpp"

namespace headgate::shard {

AccessLogWriter::AccessLogWriter(std::size_t thread_count, std::string path)
    : wakeup_(::eventfd(0, EFD_CLOEXEC)), file_(std::move(path)) {
  for (std::size_t thread = 0; thread < thread_count; ++thread)
    mailboxes_.push_back(
        std::make_unique<crossing::Mailbox<std::string>>(limits::kAccessLogPiecesWaitingMax));
  thread_ = std::thread([this] { run(); });
}

AccessLogWriter::~AccessLogWriter() {
  stopping_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wakeup_.get(), &one, sizeof one);
  thread_.join();
}

bool AccessLogWriter::post(std::size_t thread, std::string&& lines) {
  if (!mailboxes_[thread]->post(std::move(lines))) return false;
  const uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wakeup_.get(), &one, sizeof one);
  return true;
}

void AccessLogWriter::configure(const AccessLogSettings& settings) {
  const std::lock_guard lock(mutex_);
  settings_ = settings;
}

std::string AccessLogWriter::fault() const {
  const std::lock_guard lock(mutex_);
  return fault_;
}

void AccessLogWriter::run() {
  for (;;) {
    uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wakeup_.get(), &count, sizeof count);
    // Before the mailboxes: what was posted before stop() is written.
    const bool stopping = stopping_.load(std::memory_order_acquire);
    for (auto& mailbox : mailboxes_)
      while (auto lines = mailbox->take()) write(*lines);
    if (stopping) return;
  }
}

void AccessLogWriter::write(const std::string& lines) {
  AccessLogSettings settings;
  {
    const std::lock_guard lock(mutex_);
    settings = settings_;
  }
  if (settings.to == contract::AccessLog::kOff) return;
  Result<void> result;
  if (settings.to == contract::AccessLog::kStderr) {
    if (::write(STDERR_FILENO, lines.data(), lines.size()) < 0)
      result = system_error(errno, "writing to stderr");
  } else {
    result = file_.write(lines, settings.file_bytes_max, settings.files);
  }
  const std::lock_guard lock(mutex_);
  fault_ = result.ok() ? std::string() : result.error().message;
}

}  // namespace headgate::shard
