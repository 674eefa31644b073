// SPDX-License-Identifier: Apache-2.0
// Maglev: which target a hash belongs to (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load
// Balancer", NSDI 2016, section 3.4), with shares in proportion to weight. A table depends on the targets'
// names and weights alone: every node, process and thread builds the same. l4 hashes flows to replicas with
// it, l7 keys of requests to endpoints. Immutable after it is built. Threads: built by the control thread,
// read by all workers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headgate {

struct MaglevMember {
  std::string name;
  uint32_t weight = 1;  // 0: gets no slot

  friend bool operator==(const MaglevMember&, const MaglevMember&) = default;
};

class Maglev {
 public:
  // The members must be sorted by name: filling goes in their order, so another order would move flows. At
  // most kMaglevMembersMax.
  explicit Maglev(std::vector<MaglevMember> members);

  // No member has a weight: choose() must not be called.
  bool empty() const { return slots_.empty(); }
  // Position of the chosen member.
  uint16_t choose(uint64_t hash) const { return slots_[slot_of(hash)]; }
  const std::vector<MaglevMember>& members() const { return members_; }
  const std::vector<uint16_t>& slots() const { return slots_; }
  const void* slot_address(uint64_t hash) const { return &slots_[slot_of(hash)]; }  // to prefetch

 private:
  // Multiplying maps 32 even bits onto [0, size) evenly, without a division.
  std::size_t slot_of(uint64_t hash) const { return (hash >> 32) * slots_.size() >> 32; }

  std::vector<MaglevMember> members_;
  std::vector<uint16_t> slots_;
};

}  // namespace headgate
