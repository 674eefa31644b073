// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/mac_address.hpp"

#include <charconv>

namespace headgate {

std::optional<MacAddress> parse_mac_address(std::string_view text) {
  MacAddress mac{};
  if (text.size() != 3 * mac.size() - 1) return std::nullopt;
  for (std::size_t i = 0; i < mac.size(); ++i) {
    const char* digits = text.data() + 3 * i;
    if (i > 0 && digits[-1] != ':') return std::nullopt;
    const auto parsed = std::from_chars(digits, digits + 2, mac[i], 16);
    if (parsed.ec != std::errc() || parsed.ptr != digits + 2) return std::nullopt;
  }
  return mac;
}

}  // namespace headgate
