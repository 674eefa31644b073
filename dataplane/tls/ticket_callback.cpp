// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/ticket_callback.hpp"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "dataplane/core/limits.hpp"

namespace headgate::tls {
namespace {

constexpr int kFailed = -1;
constexpr int kUnknownKey = 0;  // a full handshake
constexpr int kKnown = 1;
constexpr int kKnownAndRenew = 2;

bool start_mac(EVP_MAC_CTX* mac, const TicketKey& key) {
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.mac_key.data()),
                                        key.mac_key.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

// RFC 5077 section 4, in the form that OpenSSL gives it: AES-256-CBC, then HMAC-SHA256 over all.
int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
               int issue) {
  const auto& keys = *static_cast<const TicketKeys*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const TicketKeyRing& ring = keys.current();
  if (issue) {
    const TicketKey& key = ring.issuing();
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return kFailed;
    std::copy(key.name.begin(), key.name.end(), name);
    const bool ready =
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.cipher_key.data(), iv) == 1 &&
        start_mac(mac, key);
    return ready ? kKnown : kFailed;
  }
  const TicketKey* const key = ring.named(name);
  if (!key) return kUnknownKey;
  if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher_key.data(), iv) != 1 ||
      !start_mac(mac, *key))
    return kFailed;
  return key == &ring.issuing() ? kKnown : kKnownAndRenew;
}

}  // namespace

void use_ticket_keys(SSL_CTX* context, const TicketKeys& keys) {
  SSL_CTX_set_app_data(context, const_cast<TicketKeys*>(&keys));
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, ticket_key);
  SSL_CTX_set_session_cache_mode(context,
                                 SSL_SESS_CACHE_OFF);  // every replica can open a ticket; none shares a cache
  SSL_CTX_set_timeout(context, std::chrono::seconds(limits::kTicketEpoch).count());
  // Each costs an encryption and a packet, and a client's next connections may all use the same.
  SSL_CTX_set_num_tickets(context, 1);
}

void refuse_tickets(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
}

}  // namespace headgate::tls
