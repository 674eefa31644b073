// SPDX-License-Identifier: Apache-2.0
// hash_flow: 64 well-mixed bits of a flow key, for the Maglev slot and for the flow table's bucket. The seed
// is a constant of the product: every ingress node must choose the same target for a flow, and so must this
// one after a restart. XXH3 and not a CRC, because a CRC is linear: whoever knows it makes as many colliding
// flows as he likes. Pure; any thread.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dataplane/core/flow_key.hpp"

namespace headgate::l4 {

inline constexpr uint64_t kFlowHashSeed = 0x6865616467617465;

template <FlowKey Key>
inline uint64_t hash_flow(const Key& key) {
  return XXH3_64bits_withSeed(&key, sizeof key, kFlowHashSeed);
}

// Of a client's address alone.
template <typename Address>
inline uint64_t hash_source(const Address& source) {
  return XXH3_64bits_withSeed(&source, sizeof source, kFlowHashSeed);
}

// Of a backend's address, port and protocol, given as a key without padding.
template <typename ServiceKey>
inline uint64_t hash_backend(const ServiceKey& key) {
  return XXH3_64bits_withSeed(&key, sizeof key, kFlowHashSeed);
}

}  // namespace headgate::l4
