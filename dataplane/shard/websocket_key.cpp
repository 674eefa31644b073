// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/websocket_key.hpp"

#include <array>
#include <cstring>
#include <span>

#include "dataplane/core/assert.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::shard {
namespace {

constexpr std::string_view kAppended = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kKeyTextBytes = 24;

// RFC 4648 section 4, padded.
char* write_base64(std::span<const uint8_t> bytes, char* out) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) { return at < bytes.size() ? uint32_t{bytes[at]} : 0u; };
    const uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    *out++ = kDigits[group >> 18];
    *out++ = kDigits[group >> 12 & 0x3f];
    *out++ = i + 1 < bytes.size() ? kDigits[group >> 6 & 0x3f] : '=';
    *out++ = i + 2 < bytes.size() ? kDigits[group & 0x3f] : '=';
  }
  return out;
}

}  // namespace

std::string_view make_websocket_key(uint64_t first, uint64_t second, Arena& arena) {
  std::array<uint8_t, kKeyBytes> bytes;
  std::memcpy(bytes.data(), &first, sizeof first);
  std::memcpy(bytes.data() + sizeof first, &second, sizeof second);
  char* const text = arena.allocate(kKeyTextBytes);
  HG_ASSERT(write_base64(bytes, text) == text + kKeyTextBytes);
  return {text, kKeyTextBytes};
}

std::string_view websocket_proof(std::string_view key, Arena& arena) {
  const auto digest = tls::sha1(arena.join({key, kAppended}));
  constexpr std::size_t kTextBytes = (digest.size() + 2) / 3 * 4;
  char* const text = arena.allocate(kTextBytes);
  return {text, static_cast<std::size_t>(write_base64(digest, text) - text)};
}

}  // namespace headgate::shard
