// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/units.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace headgate {
namespace {

using Unit = std::pair<std::string_view, uint64_t>;
constexpr std::array<Unit, 4> kDurationUnits{{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSizeUnits{
    {{"Gi", 1ull << 30}, {"Mi", 1ull << 20}, {"Ki", 1ull << 10}, {"", 1}}};

std::optional<uint64_t> parse_with_unit(std::string_view text, const std::array<Unit, 4>& units) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const auto suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [name, factor] : units) {
    if (suffix != name) continue;
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / factor) return std::nullopt;
    return number * factor;
  }
  return std::nullopt;
}

std::string format_with_unit(uint64_t number, const std::array<Unit, 4>& units) {
  for (const auto& [name, factor] : units)
    if (number >= factor && number % factor == 0) return std::to_string(number / factor) + std::string(name);
  return "0" + std::string(units.back().first);
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto number = parse_with_unit(text, kDurationUnits);
  if (!number) return std::nullopt;
  return std::chrono::milliseconds(*number);
}

std::string format_duration(std::chrono::milliseconds duration) {
  return format_with_unit(static_cast<uint64_t>(duration.count()), kDurationUnits);
}

std::optional<uint64_t> parse_size_bytes(std::string_view text) { return parse_with_unit(text, kSizeUnits); }

std::string format_size_bytes(uint64_t size_bytes) { return format_with_unit(size_bytes, kSizeUnits); }

}  // namespace headgate
