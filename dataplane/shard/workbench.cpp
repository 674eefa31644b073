// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/workbench.hpp"

#include <bit>

#include <sys/random.h>

#include "dataplane/core/assert.hpp"

namespace headgate::shard {

RandomBits::RandomBits() { HG_ASSERT(::getrandom(state_.data(), sizeof state_, 0) == sizeof state_); }

// Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2018).
uint64_t RandomBits::next() {
  const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace headgate::shard
