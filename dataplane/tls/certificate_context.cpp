// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/certificate_context.hpp"

#include <openssl/err.h>
#include <openssl/sha.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/tls/session_choice.hpp"
#include "dataplane/tls/ticket_callback.hpp"

namespace headgate::tls {
namespace {

// Forward secret and authenticated; without AES in hardware a client prefers ChaCha20, and is given it.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr uint64_t kOptions = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                              SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA;
// A chain is sent as it was given: building one from the client authorities' store would be wrong, and slow.
constexpr long kModes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN;

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned int offered_bytes, void* spoken) {
  const auto& ours = *static_cast<const std::string*>(spoken);
  unsigned char* found = nullptr;
  const int outcome =
      SSL_select_next_proto(&found, chosen_bytes, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned int>(ours.size()), offered, offered_bytes);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

// Of certificates that others own. A macro frees it, which is no template argument.
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using StackPtr = std::unique_ptr<STACK_OF(X509), FreeStack>;

Error failed(const char* what) {
  return {ErrorCode::kInvalid, std::string(what) + ": " + take_openssl_reason()};
}

Result<void> use(SSL_CTX* context, const CertificateAndKey& certificate) {
  const StackPtr issuers(sk_X509_new_null());
  for (std::size_t i = 1; i < certificate.chain.size(); ++i)
    sk_X509_push(issuers.get(), certificate.chain[i].get());
  if (SSL_CTX_use_cert_and_key(context, certificate.chain.front().get(), certificate.key.get(), issuers.get(),
                               1) != 1)
    return failed("the certificate cannot be served");
  return {};
}

void believe(SSL_CTX* context, const std::vector<X509Ptr>& authorities) {
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const auto& authority : authorities) {
    X509_STORE_add_cert(store, authority.get());
    // Clients choose among their certificates by the names; a whole distribution's bundle helps none.
    if (authorities.size() <= limits::kAuthoritiesNamedMax) SSL_CTX_add_client_CA(context, authority.get());
  }
  ERR_clear_error();
}

}  // namespace

CertificateContext::CertificateContext(std::shared_ptr<const ServerPolicy> policy, SslContextPtr context,
                                       std::string_view identity)
    : policy_(std::move(policy)), context_(std::move(context)), identity_(identity) {
  for (const auto& protocol : policy_->alpn) {
    alpn_.push_back(static_cast<char>(protocol.size()));
    alpn_ += protocol;
  }
}

Result<std::shared_ptr<const CertificateContext>> CertificateContext::make(
    std::shared_ptr<const ServerPolicy> policy, std::span<const CertificateAndKey* const> certificates,
    const std::vector<X509Ptr>& client_authorities, std::string_view identity) {
  SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (!context) return failed("making a TLS context");
  auto made = std::make_shared<CertificateContext>(std::move(policy), std::move(context), identity);
  if (auto configured = made->configure(certificates, client_authorities); !configured.ok())
    return std::move(configured).error();
  return std::shared_ptr<const CertificateContext>(std::move(made));
}

Result<void> CertificateContext::configure(std::span<const CertificateAndKey* const> certificates,
                                           const std::vector<X509Ptr>& client_authorities) {
  SSL_CTX* const context = get();
  SSL_CTX_set_min_proto_version(context, policy_->tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_options(context, kOptions);
  SSL_CTX_set_mode(context, kModes);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, limits::kTlsReadBytes);
  if (SSL_CTX_set_cipher_list(context, kTls12Ciphers) != 1 ||
      SSL_CTX_set_ciphersuites(context, kTls13Ciphers) != 1 ||
      SSL_CTX_set1_groups_list(context, kGroups) != 1)
    return failed("choosing ciphers");
  for (const auto* certificate : certificates)
    if (auto used = use(context, *certificate); !used.ok()) return used;
  SSL_CTX_set_client_hello_cb(context, choose_certificate, nullptr);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, &alpn_);
  SSL_CTX_set_verify(context, verify_mode(), nullptr);
  // Of all contexts, as a connection keeps what that one said with which it began.
  SSL_CTX_set_max_cert_list(context, limits::kClientCertificatesBytesMax);
  if (policy_->client_certificate != ClientCertificate::kNotAsked) believe(context, client_authorities);
  if (policy_->tickets)
    use_ticket_keys(context, *policy_->tickets);
  else
    refuse_tickets(context);
  return {};
}

int CertificateContext::verify_mode() const {
  switch (policy_->client_certificate) {
    case ClientCertificate::kNotAsked:
      return SSL_VERIFY_NONE;
    case ClientCertificate::kOptional:
      return SSL_VERIFY_PEER;
    case ClientCertificate::kRequired:
      break;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

void CertificateContext::bind_sessions(SSL* ssl, std::string_view server_name) const {
  // OpenSSL itself resumes under any name (ssl/statem/extensions_srvr.c, of TLS 1.2 as of 1.3).
  std::string bound = identity_;
  bound += server_name;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bound.data()), bound.size(), digest.data());
  SSL_set_session_id_context(ssl, digest.data(), digest.size());
}

}  // namespace headgate::tls
