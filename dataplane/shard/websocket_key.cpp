// SPDX-License-Identifier: Apache-2.0
#include "dataplane/shard/websocket_key.hpp"

#include <array>
#include <cstring>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/base64.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::shard {
namespace {

constexpr std::string_view kAppended = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kKeyTextBytes = base64_length(kKeyBytes);

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
  char* const text = arena.allocate(base64_length(digest.size()));
  return {text, static_cast<std::size_t>(write_base64(digest, text) - text)};
}

}  // namespace headgate::shard
