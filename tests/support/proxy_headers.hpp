// SPDX-License-Identifier: Apache-2.0
// What a load balancer that speaks the PROXY protocol sends, made by hand. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::testing_support {

inline std::string be16(std::size_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

inline std::string tlv(uint8_t type, std::string_view value) {
  return std::string(1, static_cast<char>(type)) + be16(value.size()) + std::string(value);
}

inline std::string proxy_v2(uint8_t version_command, uint8_t family, std::string_view rest) {
  return std::string("\r\n\r\n\0\r\nQUIT\n", 12) + static_cast<char>(version_command) +
         static_cast<char>(family) + be16(rest.size()) + std::string(rest);
}

// By a table, unlike the one that is tested. crc32c("123456789") is 0xe3069283.
inline uint32_t crc32c(std::string_view bytes) {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < table.size(); ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) table[i] = table[i] >> 1 ^ (table[i] % 2 ? 0x82f63b78u : 0u);
  }
  uint32_t crc = ~0u;
  for (const char byte : bytes) crc = crc >> 8 ^ table[(crc ^ static_cast<uint8_t>(byte)) & 0xff];
  return ~crc;
}

}  // namespace headgate::testing_support
