// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/base64.hpp"

#include <array>

namespace headgate {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNoDigit = 64;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<uint8_t>(kDigits[i])] = static_cast<uint8_t>(i);
  return values;
}
constexpr auto kValues = make_values();

}  // namespace

char* write_base64(std::span<const uint8_t> bytes, char* out) {
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) { return at < bytes.size() ? uint32_t{bytes[at]} : 0u; };
    const uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    *out++ = kDigits[group >> 18];
    *out++ = kDigits[group >> 12 & 0x3f];
    *out++ = i + 1 < bytes.size() ? kDigits[group >> 6 & 0x3f] : '=';
    *out++ = i + 2 < bytes.size() ? kDigits[group & 0x3f] : '=';
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  std::string text(base64_length(bytes.size()), '\0');
  write_base64({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, text.data());
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const auto padding = text.ends_with("==") ? 2u : text.ends_with("=") ? 1u : 0u;
  text.remove_suffix(padding);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  unsigned pending = 0;  // of the bits, those that no byte has yet
  for (const char c : text) {
    const uint8_t value = kValues[static_cast<uint8_t>(c)];
    if (value == kNoDigit) return std::nullopt;
    bits = bits << 6 | value;
    pending += 6;
    if (pending < 8) continue;
    pending -= 8;
    bytes.push_back(static_cast<char>(bits >> pending & 0xff));
  }
  if ((bits & ((1u << pending) - 1)) != 0) return std::nullopt;
  return bytes;
}

}  // namespace headgate
