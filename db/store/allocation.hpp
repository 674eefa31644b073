// SPDX-License-Identifier: Apache-2.0
// Numbers that the data plane needs and that must not change hands while something may still mean the old
// owner (a flow entry, a file's owner, a socket in drain). A key keeps its number, also over a release; a new
// key gets a number that nobody had yet; only when the space has been through once, the one that was released
// longest ago. Plain values, any thread.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::db {

enum class Space : uint8_t {
  kUser,       // ReplicaGroup::user_number; key: the shard's uid
  kLocalPort,  // ListenSocket::local_ports; key: "tcp/192.0.2.1:80 edge/0"
  kTarget,     // L4Target::id; the same key, or of a pool's backend "udp/192.0.2.1:53 10.0.0.1:53"
};

inline constexpr std::array kSpaces{Space::kUser, Space::kLocalPort, Space::kTarget};
std::string_view name_of(Space space);  // "user", "local_port", "target"

struct NumberRange {
  uint32_t first = 0;
  uint32_t last = 0;
};
NumberRange range_of(Space space);

struct AllocationKey {
  Space space = Space::kUser;
  std::string key;

  friend auto operator<=>(const AllocationKey&, const AllocationKey&) = default;
};

struct Allocation {
  AllocationKey key;
  uint32_t number = 0;

  friend bool operator==(const Allocation&, const Allocation&) = default;
};

}  // namespace headgate::db
