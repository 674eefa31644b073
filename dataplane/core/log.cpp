// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/log.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

namespace headgate::log {
namespace {

struct LevelText {
  std::string_view name;
  int syslog_priority;  // sd-daemon(3)
};
constexpr std::array<LevelText, 4> kLevels{{{"debug", 7}, {"info", 6}, {"warning", 4}, {"error", 3}}};

// The one piece of process-wide state: where a line goes is decided once, before threads exist.
std::string_view g_process = "headgate";
std::atomic<Level> g_least{Level::kInfo};

}  // namespace

void start(std::string_view process, Level least) {
  g_process = process;
  g_least.store(least, std::memory_order_relaxed);
}

void write(Level level, std::string_view text) {
  if (level < g_least.load(std::memory_order_relaxed)) return;
  const auto& [name, priority] = kLevels[static_cast<std::size_t>(level)];
  fmt::memory_buffer line;
  if (std::getenv("JOURNAL_STREAM") != nullptr) {
    fmt::format_to(std::back_inserter(line), "<{}>{}: {}\n", priority, g_process, text);
  } else {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    fmt::format_to(std::back_inserter(line), "{:%Y-%m-%dT%H:%M:%S}.{:03}Z {:<7} {}: {}\n",
                   fmt::gmtime(now.tv_sec), now.tv_nsec / 1'000'000, name, g_process, text);
  }
  // Bytes that came from outside must not forge lines or drive a terminal.
  std::replace_if(
      line.begin(), line.end() - 1, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; },
      '?');
  // One write(2) a line: lines of several threads and processes never interleave. A log that cannot be
  // written must not stop the service.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace headgate::log
