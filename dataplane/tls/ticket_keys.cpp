// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/ticket_keys.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/tls/handles.hpp"

namespace headgate::tls {
namespace {

constexpr std::string_view kPurpose = "headgate session tickets 1 epoch ";

void derive(const std::vector<unsigned char>& secret, int64_t epoch, TicketKey& key) {
  using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, FreedBy<EVP_PKEY_CTX_free>>;
  const std::string info = std::string(kPurpose) + std::to_string(epoch);
  std::array<unsigned char, sizeof(TicketKey)> bytes;
  std::size_t length_bytes = bytes.size();
  const KeyContextPtr context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
  const bool derived =
      context && EVP_PKEY_derive_init(context.get()) == 1 &&
      EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1 &&
      EVP_PKEY_CTX_set1_hkdf_key(context.get(), secret.data(), static_cast<int>(secret.size())) == 1 &&
      EVP_PKEY_CTX_add1_hkdf_info(context.get(), reinterpret_cast<const unsigned char*>(info.data()),
                                  static_cast<int>(info.size())) == 1 &&
      EVP_PKEY_derive(context.get(), bytes.data(), &length_bytes) == 1;
  HG_ASSERT(derived && length_bytes == bytes.size());
  std::memcpy(&key, bytes.data(), bytes.size());
  OPENSSL_cleanse(bytes.data(), bytes.size());
}

int64_t epoch_at(int64_t unix_ms) {
  return unix_ms / std::chrono::milliseconds(limits::kTicketEpoch).count();
}

}  // namespace

static_assert(sizeof(TicketKey) == 80);

TicketKeyRing::~TicketKeyRing() { OPENSSL_cleanse(keys.data(), sizeof keys); }

const TicketKey* TicketKeyRing::named(const unsigned char* name) const {
  for (const auto& key : keys)
    if (std::memcmp(key.name.data(), name, key.name.size()) == 0) return &key;
  return nullptr;
}

TicketKeys::TicketKeys(std::string_view secret, int64_t unix_ms) : secret_(secret.begin(), secret.end()) {
  keep_current(unix_ms);
}

TicketKeys::~TicketKeys() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

bool TicketKeys::is_of(std::string_view secret) const {
  return std::equal(secret_.begin(), secret_.end(), secret.begin(), secret.end(),
                    [](unsigned char a, char b) { return a == static_cast<unsigned char>(b); });
}

void TicketKeys::keep_current(int64_t unix_ms) {
  const int64_t epoch = epoch_at(unix_ms);
  const auto* const current = current_.load(std::memory_order_relaxed);
  if (current && current->epoch == epoch) return;
  auto ring = std::make_unique<TicketKeyRing>();
  ring->epoch = epoch;
  for (std::size_t i = 0; i < ring->keys.size(); ++i)
    derive(secret_, epoch - 1 + static_cast<int64_t>(i), ring->keys[i]);
  current_.store(ring.get(), std::memory_order_release);
  rings_[static_cast<uint64_t>(epoch) % kRingsKept] = std::move(ring);
}

}  // namespace headgate::tls
