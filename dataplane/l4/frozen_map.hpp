// SPDX-License-Identifier: Apache-2.0
// FrozenMap<Key, Value>: a small exact map that is built once and then only read, by open addressing at most
// half full: one or two cache lines a lookup, no allocation. What it holds comes from the configuration, so
// no packet can lengthen a chain. Key is bytes without padding. Threads: built by control, read by all
// workers.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

namespace headgate::l4 {

template <typename Key, typename Value>
class FrozenMap {
  static_assert(sizeof(Key) % 8 == 0);

 public:
  FrozenMap() : slots_(2), filter_(2), mask_(1) {}
  // Of two equal keys the later counts.
  explicit FrozenMap(const std::vector<std::pair<Key, Value>>& entries)
      : slots_(std::bit_ceil(entries.size() * 2 + 2)), filter_(slots_.size()), mask_(slots_.size() - 1) {
    for (const auto& [key, value] : entries) {
      const uint64_t hashed = hash(key);
      slots_[position(key, hashed)] = {key, value, true};
      filter_[filter_word(hashed)] |= filter_bit(hashed);
    }
  }

  const Value* find(const Key& key) const { return find(key, hash(key)); }

  // The same for keys that are hardly ever here (any address of the Internet): one branch that goes the same
  // way nearly always, where a half-full table's slots are used or not as if by the toss of a coin.
  const Value* find_rare(const Key& key) const {
    const uint64_t hashed = hash(key);
    if ((filter_[filter_word(hashed)] & filter_bit(hashed)) == 0) [[likely]]
      return nullptr;
    return find(key, hashed);
  }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };

  const Value* find(const Key& key, uint64_t hashed) const {
    const Slot& slot = slots_[position(key, hashed)];
    return slot.used ? &slot.value : nullptr;
  }

  // Of the key, or of the free slot where it would stand.
  std::size_t position(const Key& key, uint64_t hashed) const {
    std::size_t at = hashed & mask_;
    while (slots_[at].used && std::memcmp(&slots_[at].key, &key, sizeof key) != 0) at = (at + 1) & mask_;
    return at;
  }

  static uint64_t hash(const Key& key) {
    uint64_t words[sizeof(Key) / 8];
    std::memcpy(words, &key, sizeof key);
    uint64_t mixed = 0;
    for (const uint64_t word : words) mixed = (mixed ^ word) * 0x9e3779b97f4a7c15;
    return mixed ^ mixed >> 32;
  }

  // 64 bits a slot, one for each entry: at most one absent key in a hundred gets past it.
  std::size_t filter_word(uint64_t hashed) const { return hashed >> 6 & mask_; }
  static uint64_t filter_bit(uint64_t hashed) { return uint64_t{1} << (hashed >> 58); }

  std::vector<Slot> slots_;
  std::vector<uint64_t> filter_;
  std::size_t mask_;  // of both
};

}  // namespace headgate::l4
