// SPDX-License-Identifier: Apache-2.0
// FlowKey: what makes a flow, exactly: both addresses, both ports, the protocol. It is what is hashed.
// ClientKey: what of it the flow's listener does not say already, and so all that a flow table stores of it
// beside the target, which is of one listener. One type a family, so that IPv4 costs 8 bytes of a table's
// line and not 24. Padding bytes are members and zero: keys are compared and hashed as bytes. Values; any
// thread.
#pragma once

#include <bit>
#include <cstddef>
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

inline uint32_t load_ports(const PortsHeader& transport) {
  uint32_t ports;
  std::memcpy(&ports, &transport, sizeof ports);
  return ports;
}

// From the headers of a packet, built where it will stay. A load that is wider than the stores before it
// waits until they have reached the cache (and all stores before them, to packets among them): so there is no
// temporary to be copied whole, and the key is hashed and compared by the words that it was stored by.
inline FlowKeyV4 flow_key_of(const Ipv4Header& ip, const PortsHeader& transport, uint8_t protocol) {
  static_assert(std::endian::native == std::endian::little);
  static_assert(offsetof(Ipv4Header, dst) == offsetof(Ipv4Header, src) + 4);
  FlowKeyV4 key;
  std::memcpy(&key.src, &ip.src, 8);
  const uint64_t ports_and_protocol = load_ports(transport) | uint64_t{protocol} << 32;
  std::memcpy(reinterpret_cast<std::byte*>(&key) + offsetof(FlowKeyV4, src_port), &ports_and_protocol, 8);
  return key;
}
inline FlowKeyV6 flow_key_of(const Ipv6Header& ip, const PortsHeader& transport, uint8_t protocol) {
  static_assert(offsetof(Ipv6Header, dst) == offsetof(Ipv6Header, src) + 16);
  FlowKeyV6 key;
  std::memcpy(key.src.data(), ip.src.data(), 32);
  const uint64_t ports_and_protocol = load_ports(transport) | uint64_t{protocol} << 32;
  std::memcpy(reinterpret_cast<std::byte*>(&key) + offsetof(FlowKeyV6, src_port), &ports_and_protocol, 8);
  return key;
}

template <typename Key>
concept FlowKey = std::is_same_v<Key, FlowKeyV4> || std::is_same_v<Key, FlowKeyV6>;

// The port that was asked for is in it: a listener may be of many.
struct ClientKeyV4 {
  Be32 src;
  Be16 src_port;
  Be16 dst_port;
};
static_assert(sizeof(ClientKeyV4) == 8);

struct ClientKeyV6 {
  Ipv6Bytes src;
  Be16 src_port;
  Be16 dst_port;
  uint8_t zero[4] = {};
};
static_assert(sizeof(ClientKeyV6) == 24);

// Stored by words, as above.
inline ClientKeyV4 client_key_of(const FlowKeyV4& flow) {
  uint32_t src, ports;
  std::memcpy(&src, &flow.src, sizeof src);
  std::memcpy(&ports, &flow.src_port, sizeof ports);
  return std::bit_cast<ClientKeyV4>(src | uint64_t{ports} << 32);
}
inline ClientKeyV6 client_key_of(const FlowKeyV6& flow) {
  ClientKeyV6 key;
  std::memcpy(key.src.data(), flow.src.data(), 16);
  uint32_t ports;
  std::memcpy(&ports, &flow.src_port, sizeof ports);
  const uint64_t word = ports;
  std::memcpy(reinterpret_cast<std::byte*>(&key) + offsetof(ClientKeyV6, src_port), &word, sizeof word);
  return key;
}

template <typename Key>
concept ClientKey = std::is_same_v<Key, ClientKeyV4> || std::is_same_v<Key, ClientKeyV6>;

}  // namespace headgate
