// SPDX-License-Identifier: Apache-2.0
// MacAddress: of an Ethernet interface, as its bytes lie in a frame. Value; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace headgate {

using MacAddress = std::array<uint8_t, 6>;

// "02:00:00:00:00:07", in either case; nothing where it is anything else.
std::optional<MacAddress> parse_mac_address(std::string_view text);

}  // namespace headgate
