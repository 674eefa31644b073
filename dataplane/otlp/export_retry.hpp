// SPDX-License-Identifier: Apache-2.0
// What becomes of spans by what their collector has answered (OTLP specification, "OTLP/HTTP Response"), and
// when it is asked again. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "dataplane/core/clock.hpp"

namespace headgate::otlp {

enum class ExportVerdict : uint8_t {
  kTaken,
  kAgain,   // 429, 502, 503, 504, or no answer at all
  kRefused  // any other: the same request would be answered alike
};

[[nodiscard]] ExportVerdict judge_answer(int status);  // 0: none came

// After `tries` of them, the first included. At least what the collector asked for, within the bound, and
// spread by up to a half, so that replicas which have failed together do not come again together.
[[nodiscard]] Duration pause_before_next(unsigned tries, std::optional<std::chrono::seconds> asked_for,
                                         uint64_t random);

}  // namespace headgate::otlp
