// SPDX-License-Identifier: Apache-2.0
// The hash of the look-up tables: 64 well mixed bits of a few short strings in a chain, so that the hashes of
// all prefixes of a path cost one pass. The keys in the tables are the operator's, so no client can make them
// collide; this is no defence and no checksum. After Wang Yi, "wyhash": a 64 x 64 bit multiplication folded.
// Pure.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace headgate::l7 {

inline uint64_t hash_mix(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// `chain` is the hash of what came before; 0 where nothing did.
inline uint64_t hash_text(std::string_view text, uint64_t chain = 0) {
  constexpr uint64_t kA = 0xa0761d6478bd642f;
  constexpr uint64_t kB = 0xe7037ed1a0b428db;
  uint64_t hash = chain ^ kA;
  const char* at = text.data();
  std::size_t left_bytes = text.size();
  for (; left_bytes >= 8; at += 8, left_bytes -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    hash = hash_mix(hash ^ word, kB);
  }
  uint64_t tail = 0;
  for (std::size_t i = 0; i < left_bytes; ++i) tail |= uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  return hash_mix(hash ^ tail, kB ^ text.size());
}

}  // namespace headgate::l7
