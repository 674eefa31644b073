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
  FrozenMap() : slots_(2) {}
  // Of two equal keys the later counts.
  explicit FrozenMap(const std::vector<std::pair<Key, Value>>& entries)
      : slots_(std::bit_ceil(entries.size() * 2 + 2)) {
    for (const auto& [key, value] : entries) {
      Slot& slot = slots_[position(key)];
      slot = {key, value, true};
    }
  }

  const Value* find(const Key& key) const {
    const Slot& slot = slots_[position(key)];
    return slot.used ? &slot.value : nullptr;
  }

 private:
  struct Slot {
    Key key{};
    Value value{};
    bool used = false;
  };

  // Of the key, or of the free slot where it would stand.
  std::size_t position(const Key& key) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash(key) & mask;
    while (slots_[at].used && std::memcmp(&slots_[at].key, &key, sizeof key) != 0) at = (at + 1) & mask;
    return at;
  }

  static uint64_t hash(const Key& key) {
    uint64_t words[sizeof(Key) / 8];
    std::memcpy(words, &key, sizeof key);
    uint64_t mixed = 0;
    for (const uint64_t word : words) mixed = (mixed ^ word) * 0x9e3779b97f4a7c15;
    return mixed ^ mixed >> 32;
  }

  std::vector<Slot> slots_;
};

}  // namespace headgate::l4
