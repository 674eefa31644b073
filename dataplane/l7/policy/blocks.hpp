// SPDX-License-Identifier: Apache-2.0
// Blocks: a set of a policy's blocks. Value; any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

#include "dataplane/contract/policy.hpp"

namespace headgate::l7::policy {

using contract::PolicyBlock;

class Blocks {
 public:
  constexpr Blocks() = default;
  constexpr Blocks(std::initializer_list<PolicyBlock> blocks) {
    for (const auto block : blocks) add(block);
  }
  static constexpr Blocks all() {
    Blocks blocks;
    blocks.bits_ = 0xff;
    return blocks;
  }
  // Those that these filters have.
  static Blocks of(const contract::Filters& filters) {
    Blocks blocks;
    if (filters.ip_access) blocks.add(PolicyBlock::kIpAccess);
    if (filters.rate_limit) blocks.add(PolicyBlock::kRateLimit);
    if (filters.cors) blocks.add(PolicyBlock::kCors);
    if (filters.request_headers) blocks.add(PolicyBlock::kRequestHeaders);
    if (filters.response_headers) blocks.add(PolicyBlock::kResponseHeaders);
    if (filters.compression) blocks.add(PolicyBlock::kCompression);
    return blocks;
  }

  constexpr bool has(PolicyBlock block) const { return (bits_ & bit(block)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr void add(PolicyBlock block) { bits_ |= bit(block); }

  // In the order of PolicyBlock.
  std::vector<PolicyBlock> list() const {
    std::vector<PolicyBlock> blocks;
    for (uint8_t block = 0; block <= static_cast<uint8_t>(PolicyBlock::kCompression); ++block)
      if (has(static_cast<PolicyBlock>(block))) blocks.push_back(static_cast<PolicyBlock>(block));
    return blocks;
  }

  friend constexpr Blocks operator&(Blocks a, Blocks b) { return Blocks(a.bits_ & b.bits_); }
  friend constexpr Blocks operator|(Blocks a, Blocks b) { return Blocks(a.bits_ | b.bits_); }
  friend constexpr Blocks operator-(Blocks a, Blocks b) { return Blocks(a.bits_ & ~b.bits_); }
  friend constexpr bool operator==(Blocks, Blocks) = default;

 private:
  constexpr explicit Blocks(int bits) : bits_(static_cast<uint8_t>(bits)) {}
  static constexpr uint8_t bit(PolicyBlock block) {
    return static_cast<uint8_t>(1u << static_cast<unsigned>(block));
  }

  uint8_t bits_ = 0;
};

}  // namespace headgate::l7::policy
