// SPDX-License-Identifier: Apache-2.0
// FlowKey: what makes a flow, exactly: both addresses, both ports, the protocol. One type a family, so that
// an IPv4 key costs 16 bytes of a flow table's line and not 40. Padding bytes are members and zero: keys are
// compared and hashed as bytes. Values; any thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "dataplane/core/byteorder.hpp"
#include "dataplane/core/packet_headers.hpp"

namespace headgate {

struct FlowKeyV4 {
  Be32 src;
  Be32 dst;
  Be16 src_port;
  Be16 dst_port;
  uint8_t protocol = 0;
  uint8_t zero[3] = {};
};
static_assert(sizeof(FlowKeyV4) == 16);

struct FlowKeyV6 {
  Ipv6Bytes src;
  Ipv6Bytes dst;
  Be16 src_port;
  Be16 dst_port;
  uint8_t protocol = 0;
  uint8_t zero[3] = {};
};
static_assert(sizeof(FlowKeyV6) == 40);
static_assert(std::has_unique_object_representations_v<FlowKeyV4>);

template <typename Key>
concept FlowKey = std::is_same_v<Key, FlowKeyV4> || std::is_same_v<Key, FlowKeyV6>;

inline bool operator==(const FlowKeyV4& a, const FlowKeyV4& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;  // two 8-byte compares
}
inline bool operator==(const FlowKeyV6& a, const FlowKeyV6& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace headgate
