// SPDX-License-Identifier: Apache-2.0
// MacAddress: of an Ethernet interface, as its bytes lie in a frame. Value; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace headgate {

using MacAddress = std::array<uint8_t, 6>;

// The six bytes in a word, as they lie in memory, and back: by the loads and stores that a frame is read and
// written by. A load that is wider than the store before it waits until that has reached the cache.
inline uint64_t load_mac(const void* bytes) {
  uint32_t first;
  uint16_t last;
  std::memcpy(&first, bytes, sizeof first);
  std::memcpy(&last, static_cast<const char*>(bytes) + sizeof first, sizeof last);
  return first | uint64_t{last} << 32;
}
inline void store_mac(void* bytes, uint64_t mac) {
  const auto first = static_cast<uint32_t>(mac);
  const auto last = static_cast<uint16_t>(mac >> 32);
  std::memcpy(bytes, &first, sizeof first);
  std::memcpy(static_cast<char*>(bytes) + sizeof first, &last, sizeof last);
}

// "02:00:00:00:00:07", in either case; nothing where it is anything else.
std::optional<MacAddress> parse_mac_address(std::string_view text);

}  // namespace headgate
