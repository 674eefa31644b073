// SPDX-License-Identifier: Apache-2.0
// PrefixTable: the value of the longest prefix that an address begins with, of one address family. The first
// 16 bits choose from an array, then each node decides six by two words of 64 bits and counts of them
// (Poptrie: Asai and Ohara, SIGCOMM 2015): a default route is one access, a full Internet table lies in a few
// megabytes. Built once, then only read. Threads: built by control, read by all workers.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/ip_address.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate::l4 {

class PrefixTable {
 public:
  static constexpr uint32_t kNone = 0;                // no prefix of the address is here
  static constexpr uint32_t kValueMax = 0x7fff'ffff;  // values are from 1 to this

  PrefixTable() : roots_(std::size_t{1} << kRootBits) {}
  // All of one family; of two equal prefixes the later counts.
  explicit PrefixTable(const std::vector<std::pair<Prefix, uint32_t>>& prefixes);

  uint32_t find(Be32 address) const { return find(Bits{address.host()} << 96); }
  uint32_t find(const Ipv6Bytes& address) const;

  std::size_t memory_bytes() const;

 private:
  __extension__ using Bits = unsigned __int128;  // of an address, its first bit the highest
  static constexpr unsigned kRootBits = 16;
  static constexpr unsigned kNodeBits = 6;
  static constexpr uint32_t kIsNode = 0x8000'0000;  // in roots_, else a value

  struct Node {
    uint64_t inner = 0;        // by slot: whether a node follows there
    uint64_t leaf_starts = 0;  // by slot: whether the value there is another than in the last slot with one
    uint32_t first_node = 0;
    uint32_t first_leaf = 0;
  };
  struct Entry {
    Bits bits;
    unsigned length_bits;
    uint32_t value;
  };
  struct Slots;

  static Bits bits_of(const IpAddress& address);
  static Slots sort_into_slots(std::span<const Entry> entries, unsigned from_bit, unsigned bits,
                               uint32_t inherited);
  void build_node(uint32_t index, std::span<const Entry> entries, unsigned from_bit, uint32_t inherited);
  uint32_t find(Bits bits) const {
    const uint32_t root = roots_[static_cast<std::size_t>(bits >> (128 - kRootBits))];
    return (root & kIsNode) == 0 ? root : find_below(root & ~kIsNode, bits << kRootBits);
  }
  uint32_t find_below(uint32_t node, Bits rest) const;

  std::vector<uint32_t> roots_;
  std::vector<Node> nodes_;
  std::vector<uint32_t> leaves_;
};

}  // namespace headgate::l4
