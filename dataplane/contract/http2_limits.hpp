// SPDX-License-Identifier: Apache-2.0
// Http2Limits: what one connection of a client of HTTP/2 may hold, and do often. At once it may do ten
// seconds' worth; past that it is ended by GOAWAY.
#pragma once

#include <cstdint>

#include "dataplane/contract/fields.hpp"

namespace headgate::contract {

struct Http2Limits {
  uint32_t streams_max = 128;                // at once
  uint32_t resets_per_second = 50;           // of streams, by either side
  uint32_t control_frames_per_second = 100;  // PING, SETTINGS, PRIORITY, empty DATA

  static constexpr auto kFields =
      std::tuple{field("streams_max", &Http2Limits::streams_max),
                 field("resets_per_second", &Http2Limits::resets_per_second),
                 field("control_frames_per_second", &Http2Limits::control_frames_per_second)};
  friend bool operator==(const Http2Limits&, const Http2Limits&) = default;
};

}  // namespace headgate::contract
