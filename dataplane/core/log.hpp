// SPDX-License-Identifier: Apache-2.0
// The operator's log: one line a thing worth knowing, to stderr as `<level> <process>: text` with a timestamp
// (systemd's level prefix where stderr is the journal). Any thread. Never on a path taken per packet or
// request: those count. A line says what happened and, where something is wrong, what to do about it.
#pragma once

#include <cstdint>
#include <string_view>

namespace headgate::log {

enum class Level : uint8_t { kDebug, kInfo, kWarning, kError };

// Before the first line and the first thread; `process` stands in front of each line and must outlive the log
// (a literal, or main's argv).
void start(std::string_view process, Level least);

void write(Level level, std::string_view text);
inline void debug(std::string_view text) { write(Level::kDebug, text); }
inline void info(std::string_view text) { write(Level::kInfo, text); }
inline void warning(std::string_view text) { write(Level::kWarning, text); }
inline void error(std::string_view text) { write(Level::kError, text); }

}  // namespace headgate::log
