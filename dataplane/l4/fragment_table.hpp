// SPDX-License-Identifier: Apache-2.0
// FragmentTable: where the first fragment of a packet went, so that the others follow it. Bounded: sets of
// four, the oldest gives way. A fragment that comes before its first is dropped by the caller, as is one
// whose first was forgotten: the sender's TCP sends again. Thread: one worker's.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/core/packet_headers.hpp"
#include "dataplane/l4/coarse_clock.hpp"
#include "dataplane/l4/line_memory.hpp"

namespace headgate::l4 {

struct FragmentKey {
  Ipv6Bytes src{};  // IPv4 in the first four bytes
  Ipv6Bytes dst{};
  uint32_t id = 0;
  uint32_t family = 0;  // 6, or 4 and above it the protocol

  friend bool operator==(const FragmentKey&, const FragmentKey&) = default;
};

class FragmentTable {
 public:
  // RFC 8200 section 4.5: a packet is put together within 60 seconds or not at all.
  static constexpr uint32_t kLifetimeTicks = ticks(std::chrono::seconds(60));
  static constexpr uint32_t kUntouched = UINT32_MAX;  // the first went on as it was

  explicit FragmentTable(std::size_t packets, uint64_t secret);

  // `way`: what the caller makes of it, or kUntouched.
  void remember(const FragmentKey& key, uint32_t way, Tick now);
  std::optional<uint32_t> find(const FragmentKey& key, Tick now) const;

 private:
  static constexpr std::size_t kSetSize = 4;
  struct Entry {
    FragmentKey key{};
    uint32_t way = 0;
    Tick seen;
    bool used = false;
  };

  std::size_t first_of_set(const FragmentKey& key) const;

  LineMemory<Entry> entries_;
  uint64_t secret_;
};

}  // namespace headgate::l4
