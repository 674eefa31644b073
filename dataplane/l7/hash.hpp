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

template <typename Word>
uint64_t load_word(const char* at) {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The last of a text's bytes, the first of them lowest: `count` of them, below 8, at `at`, of a text that is
// `size` long. Loads that overlap, since a loop's branches cost more than all the rest of a short text.
inline uint64_t load_tail(const char* at, std::size_t count, std::size_t size) {
  if (count == 0) return 0;
  if (size >= 8) return load_word<uint64_t>(at + count - 8) >> (8 * (8 - count));
  if (count >= 4) return load_word<uint32_t>(at) | load_word<uint32_t>(at + count - 4) << (8 * (count - 4));
  const std::size_t middle = count / 2;
  return load_word<uint8_t>(at) | load_word<uint8_t>(at + middle) << (8 * middle) |
         load_word<uint8_t>(at + count - 1) << (8 * (count - 1));
}

// `chain` is the hash of what came before; 0 where nothing did.
inline uint64_t hash_text(std::string_view text, uint64_t chain = 0) {
  constexpr uint64_t kA = 0xa0761d6478bd642f;
  constexpr uint64_t kB = 0xe7037ed1a0b428db;
  uint64_t hash = chain ^ kA;
  const char* at = text.data();
  std::size_t left_bytes = text.size();
  for (; left_bytes >= 8; at += 8, left_bytes -= 8) hash = hash_mix(hash ^ load_word<uint64_t>(at), kB);
  return hash_mix(hash ^ load_tail(at, left_bytes, text.size()), kB ^ text.size());
}

}  // namespace headgate::l7
