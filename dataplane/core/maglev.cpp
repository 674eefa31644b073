// SPDX-License-Identifier: Apache-2.0
#include "dataplane/core/maglev.hpp"

#include <algorithm>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate {
namespace {

constexpr uint16_t kFree = UINT16_MAX;
constexpr uint64_t kOffsetSeed = 1;
constexpr uint64_t kSkipSeed = 2;

// The order in which one member asks for slots: offset, offset + skip, … modulo the (prime) size.
struct Permutation {
  uint32_t next;
  uint32_t skip;
  uint32_t weight;
  uint64_t due = 0;  // in parts of a turn, of which the largest weight makes one

  Permutation(const MaglevMember& member, uint32_t size)
      : next(static_cast<uint32_t>(XXH3_64bits_withSeed(member.name.data(), member.name.size(), kOffsetSeed) %
                                   size)),
        skip(static_cast<uint32_t>(
            XXH3_64bits_withSeed(member.name.data(), member.name.size(), kSkipSeed) % (size - 1) + 1)),
        weight(member.weight) {}

  // The first slot of this order that is still free.
  uint32_t take(const std::vector<uint16_t>& slots) {
    const auto size = static_cast<uint32_t>(slots.size());
    for (;;) {
      const uint32_t slot = next;
      next += skip;
      if (next >= size) next -= size;
      if (slots[slot] == kFree) return slot;
    }
  }
};

uint32_t slot_count(std::size_t members) {
  return members <= limits::kMaglevSmallTargetsMax ? limits::kMaglevSlotsSmall : limits::kMaglevSlots;
}

}  // namespace

Maglev::Maglev(std::vector<MaglevMember> members) : members_(std::move(members)) {
  HG_ASSERT(members_.size() <= limits::kMaglevMembersMax);
  HG_ASSERT(std::is_sorted(members_.begin(), members_.end(),
                           [](const auto& a, const auto& b) { return a.name < b.name; }));
  const auto heaviest = std::max_element(members_.begin(), members_.end(),
                                         [](const auto& a, const auto& b) { return a.weight < b.weight; });
  if (heaviest == members_.end() || heaviest->weight == 0) return;
  slots_.assign(slot_count(members_.size()), kFree);
  std::vector<Permutation> permutations;
  permutations.reserve(members_.size());
  for (const auto& member : members_) permutations.emplace_back(member, static_cast<uint32_t>(slots_.size()));
  // Rounds: a member of the largest weight takes a slot in each, the others as often as their weight allows.
  for (std::size_t filled = 0;;) {
    for (std::size_t position = 0; position < permutations.size(); ++position) {
      auto& permutation = permutations[position];
      permutation.due += permutation.weight;
      if (permutation.due < heaviest->weight) continue;
      permutation.due -= heaviest->weight;
      slots_[permutation.take(slots_)] = static_cast<uint16_t>(position);
      if (++filled == slots_.size()) return;
    }
  }
}

}  // namespace headgate
