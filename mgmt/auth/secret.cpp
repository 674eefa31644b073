// SPDX-License-Identifier: Apache-2.0
#include "mgmt/auth/secret.hpp"

#include <array>

#include <sys/random.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/tls/digest.hpp"

namespace headgate::auth {

std::string new_secret() {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<unsigned char, 32> random{};
  HG_ASSERT(::getrandom(random.data(), random.size(), 0) == static_cast<ssize_t>(random.size()));
  std::string text = "hg_";  // so that scanners for leaked secrets know one when they see it
  unsigned bits = 0;
  unsigned bit_count = 0;
  for (const unsigned byte : random) {
    bits = (bits << 8 | byte) & 0xffff;
    for (bit_count += 8; bit_count >= 6;) {
      bit_count -= 6;
      text.push_back(kAlphabet[bits >> bit_count & 0x3f]);
    }
  }
  text.push_back(kAlphabet[bits << (6 - bit_count) & 0x3f]);
  return text;
}

std::string digest_of(std::string_view secret) { return tls::sha256_hex(secret); }

}  // namespace headgate::auth
