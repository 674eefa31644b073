// SPDX-License-Identifier: Apache-2.0
// Durations ("250ms", "10s", "5m", "1h") and sizes ("64Ki", "8Mi", "1Gi", "512") as REST spells them. Strict:
// a number without a unit is no duration, a fraction is refused. Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate {

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::string format_duration(std::chrono::milliseconds duration);  // the largest unit that is exact

std::optional<uint64_t> parse_size_bytes(std::string_view text);
std::string format_size_bytes(uint64_t size_bytes);

}  // namespace headgate
