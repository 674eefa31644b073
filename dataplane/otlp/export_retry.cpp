// SPDX-License-Identifier: Apache-2.0
#include "dataplane/otlp/export_retry.hpp"

#include <algorithm>

#include "dataplane/core/limits.hpp"

namespace headgate::otlp {

ExportVerdict judge_answer(int status) {
  switch (status) {
    case 0:
    case 429:
    case 502:
    case 503:
    case 504:
      return ExportVerdict::kAgain;
    default:
      return status / 100 == 2 ? ExportVerdict::kTaken : ExportVerdict::kRefused;
  }
}

Duration pause_before_next(unsigned tries, std::optional<std::chrono::seconds> asked_for, uint64_t random) {
  constexpr Duration kLongest = limits::kSpanPauseMax;
  Duration pause = limits::kSpanPauseMin;
  for (unsigned i = 1; i < tries && pause < kLongest; ++i) pause *= 2;
  pause += Duration(static_cast<Duration::rep>(random % static_cast<uint64_t>(pause.count() / 2 + 1)));
  if (asked_for) pause = std::max(pause, Duration(std::min(*asked_for, limits::kSpanPauseMax)));
  return std::min(pause, kLongest);
}

}  // namespace headgate::otlp
