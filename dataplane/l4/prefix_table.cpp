// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l4/prefix_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/core/assert.hpp"

namespace headgate::l4 {

// What one node, or the root, has for each value of its bits.
struct PrefixTable::Slots {
  std::vector<uint32_t> values;                    // of the longest prefix that ends here or before
  std::vector<std::span<const Entry>> remainders;  // the prefixes that go on below
};

PrefixTable::Bits PrefixTable::bits_of(const IpAddress& address) {
  Bits bits = 0;
  for (const uint8_t byte : address.bytes()) bits = bits << 8 | byte;
  return bits;
}

// `entries` are sorted, so that what goes on below one slot lies together, behind what covers it.
PrefixTable::Slots PrefixTable::sort_into_slots(std::span<const Entry> entries, unsigned from_bit,
                                                unsigned bits, uint32_t inherited) {
  const std::size_t count = std::size_t{1} << bits;
  Slots slots{std::vector<uint32_t>(count, inherited), std::vector<std::span<const Entry>>(count)};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    const auto slot = static_cast<std::size_t>(entry.bits << from_bit >> (128 - bits));
    if (entry.length_bits > from_bit + bits) {
      auto& below = slots.remainders[slot];
      below = below.empty() ? entries.subspan(i, 1) : std::span(below.data(), below.size() + 1);
    } else {
      const std::size_t covered = std::size_t{1} << (from_bit + bits - entry.length_bits);
      std::fill_n(slots.values.begin() + static_cast<std::ptrdiff_t>(slot), covered, entry.value);
    }
  }
  return slots;
}

PrefixTable::PrefixTable(const std::vector<std::pair<Prefix, uint32_t>>& prefixes)
    : roots_(std::size_t{1} << kRootBits) {
  std::vector<Entry> entries;
  entries.reserve(prefixes.size());
  for (const auto& [prefix, value] : prefixes) {
    HG_ASSERT(value != kNone && value <= kValueMax);
    entries.push_back({bits_of(prefix.address), prefix.length_bits, value});
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.bits, a.length_bits) < std::pair(b.bits, b.length_bits);
  });
  Slots slots = sort_into_slots(entries, 0, kRootBits, kNone);
  roots_ = std::move(slots.values);
  for (std::size_t slot = 0; slot < roots_.size(); ++slot) {
    if (slots.remainders[slot].empty()) continue;
    const auto index = static_cast<uint32_t>(nodes_.size());
    nodes_.emplace_back();
    build_node(index, slots.remainders[slot], kRootBits, std::exchange(roots_[slot], index | kIsNode));
  }
}

void PrefixTable::build_node(uint32_t index, std::span<const Entry> entries, unsigned from_bit,
                             uint32_t inherited) {
  const Slots slots = sort_into_slots(entries, from_bit, kNodeBits, inherited);
  Node node{.first_node = static_cast<uint32_t>(nodes_.size()),
            .first_leaf = static_cast<uint32_t>(leaves_.size())};
  for (std::size_t slot = 0; slot < slots.values.size(); ++slot) {
    const uint64_t bit = uint64_t{1} << slot;
    if (!slots.remainders[slot].empty()) {
      node.inner |= bit;
    } else if (node.leaf_starts == 0 || leaves_.back() != slots.values[slot]) {
      node.leaf_starts |= bit;
      leaves_.push_back(slots.values[slot]);
    }
  }
  nodes_.resize(nodes_.size() + static_cast<std::size_t>(std::popcount(node.inner)));
  nodes_[index] = node;
  uint32_t child = node.first_node;
  for (std::size_t slot = 0; slot < slots.values.size(); ++slot)
    if (!slots.remainders[slot].empty())
      build_node(child++, slots.remainders[slot], from_bit + kNodeBits, slots.values[slot]);
}

uint32_t PrefixTable::find_below(uint32_t index, Bits rest) const {
  for (;; rest <<= kNodeBits) {
    const Node& node = nodes_[index];
    const auto slot = static_cast<unsigned>(rest >> (128 - kNodeBits));
    const uint64_t up_to_slot = ~uint64_t{0} >> (63 - slot);
    if ((node.inner >> slot & 1) == 0)
      return leaves_[node.first_leaf + static_cast<uint32_t>(std::popcount(node.leaf_starts & up_to_slot)) -
                     1];
    index = node.first_node + static_cast<uint32_t>(std::popcount(node.inner & up_to_slot)) - 1;
  }
}

uint32_t PrefixTable::find(const Ipv6Bytes& address) const {
  const auto half = [&address](std::size_t from) {
    uint64_t raw;
    std::memcpy(&raw, address.data() + from, sizeof raw);
    return Be64::from_raw(raw).host();
  };
  return find(Bits{half(0)} << 64 | half(8));
}

std::size_t PrefixTable::memory_bytes() const {
  return roots_.size() * sizeof roots_[0] + nodes_.size() * sizeof(Node) + leaves_.size() * sizeof leaves_[0];
}

}  // namespace headgate::l4
