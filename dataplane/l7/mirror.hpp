// SPDX-License-Identifier: Apache-2.0
// Whether a request is copied to a mirror's pool. Pure.
#pragma once

#include <cstdint>

namespace headgate::l7 {

// True for `percent` of a hundred values of `random`, of which all 64 bits are random.
constexpr bool is_mirrored(uint32_t percent, uint64_t random) { return (random >> 32) * 100 >> 32 < percent; }

}  // namespace headgate::l7
