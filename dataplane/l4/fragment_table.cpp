// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/fragment_table.hpp"

#include <algorithm>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace headgate::l4 {

FragmentTable::FragmentTable(std::size_t packets, uint64_t secret)
    : entries_(std::bit_ceil(std::max(packets, kSetSize)), Touch::kNow), secret_(secret) {}

std::size_t FragmentTable::first_of_set(const FragmentKey& key) const {
  return XXH3_64bits_withSeed(&key, sizeof key, secret_) & (entries_.size() - 1) & ~(kSetSize - 1);
}

void FragmentTable::remember(const FragmentKey& key, uint32_t way, Tick now) {
  const std::size_t first = first_of_set(key);
  std::size_t victim = first;
  uint32_t victim_age = 0;
  for (std::size_t i = first; i < first + kSetSize; ++i) {
    const Entry& entry = entries_[i];
    if (entry.used && entry.key == key) {
      victim = i;
      break;
    }
    const uint32_t age = entry.used ? now.since(entry.seen) : UINT32_MAX;
    if (age >= victim_age) {
      victim = i;
      victim_age = age;
    }
  }
  entries_[victim] = {key, way, now, true};
}

std::optional<uint32_t> FragmentTable::find(const FragmentKey& key, Tick now) const {
  const std::size_t first = first_of_set(key);
  for (std::size_t i = first; i < first + kSetSize; ++i) {
    const Entry& entry = entries_[i];
    if (entry.used && entry.key == key && now.since(entry.seen) <= kLifetimeTicks) return entry.way;
  }
  return std::nullopt;
}

}  // namespace headgate::l4
