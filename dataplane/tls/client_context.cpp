// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/client_context.hpp"

#include <algorithm>

#include <openssl/err.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/tls/client_context_parts.hpp"
#include "dataplane/tls/pem.hpp"
#include "dataplane/tls/session_state.hpp"
#include "dataplane/tls/x509_facts.hpp"

namespace headgate::tls {
namespace {

constexpr uint64_t kOptions = SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION;
constexpr long kModes = SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                        SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN;

Error invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

// A session that may be resumed; of TLS 1.3 it comes after the handshake, with what the backend sends. A
// copy: OpenSSL gives up its own where a connection ends without close_notify, as many backends end theirs,
// though it may be resumed (RFC 5246 section 7.2.1).
int keep_ticket(SSL* ssl, SSL_SESSION* session) {
  state_of(ssl).ticket.reset(SSL_SESSION_dup(session));
  return 0;  // what was handed in stays the connection's
}

// OpenSSL knows names and addresses, of which all must hold; what is asked for here is any of several, URIs
// too. Before the handshake ends: a wrong backend sees nothing of our own certificate.
int verify_subject(X509_STORE_CTX* store, void* names) {
  const int verified = X509_verify_cert(store);
  if (verified != 1) return verified;
  const auto& wanted = *static_cast<const std::vector<std::string>*>(names);
  X509* const certificate = X509_STORE_CTX_get0_cert(store);
  if (std::any_of(wanted.begin(), wanted.end(),
                  [&](const std::string& name) { return stands_for(certificate, name); }))
    return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
  return 0;
}

Result<void> believe(SSL_CTX* context, const std::optional<std::string>& authorities) {
  if (!authorities) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      return invalid("the system's authorities: " + take_openssl_reason());
    ERR_clear_error();
    return {};
  }
  const auto read =
      read_certificates(*authorities, {limits::kTrustBundleBytesMax, limits::kCertificatesPerBundleMax});
  if (!read.ok()) return invalid("its authorities: " + read.error().message);
  for (const auto& authority : *read) X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
  ERR_clear_error();
  return {};
}

Result<void> show(SSL_CTX* context, const ServerCertificate& own) {
  const auto refuse = [&](const std::string& why) { return invalid("certificate " + own.name + ": " + why); };
  if (own.key.empty()) return refuse("its private key has not come yet");
  const auto chain =
      read_certificates(own.chain, {limits::kCertificateChainBytesMax, limits::kCertificatesPerChainMax});
  if (!chain.ok()) return refuse(chain.error().message);
  const auto key = read_private_key(own.key);
  if (!key.ok()) return refuse(key.error().message);
  bool used = SSL_CTX_use_certificate(context, chain->front().get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, key->get()) == 1;
  for (std::size_t i = 1; used && i < chain->size(); ++i)
    used = SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1;
  if (!used) return refuse(take_openssl_reason());
  return {};
}

// RFC 7301 section 3.1: a list of one.
bool offer(SSL_CTX* context, const std::string& protocol) {
  if (protocol.empty()) return true;
  const std::string list = static_cast<char>(protocol.size()) + protocol;
  return SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(list.data()),
                                 static_cast<unsigned int>(list.size())) == 0;
}

}  // namespace

ClientContext::ClientContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ClientContext::~ClientContext() = default;

Result<std::shared_ptr<const ClientContext>> ClientContext::make(const ClientPolicy& policy) {
  auto parts = std::make_unique<Parts>();
  parts->subject_alt_names = policy.subject_alt_names;
  parts->verifies_name = policy.verifies && policy.subject_alt_names.empty();
  if (policy.needs_protocol) parts->needed_protocol = policy.protocol;
  parts->context.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = parts->context.get();
  if (!context || !offer(context, policy.protocol))
    return invalid("making a TLS context: " + take_openssl_reason());
  SSL_CTX_set_min_proto_version(context, policy.from_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, policy.up_to_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION);
  SSL_CTX_set_options(context, kOptions);
  SSL_CTX_set_mode(context, kModes);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, limits::kTlsReadBytes);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_ticket);
  if (policy.verifies) {
    if (auto believed = believe(context, policy.authorities); !believed.ok())
      return std::move(believed).error();
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    X509_VERIFY_PARAM_set_hostflags(SSL_CTX_get0_param(context), kNameCheckFlags);
    if (!parts->verifies_name)
      SSL_CTX_set_cert_verify_callback(context, verify_subject, &parts->subject_alt_names);
  }
  if (policy.own)
    if (auto shown = show(context, *policy.own); !shown.ok()) return std::move(shown).error();
  return std::shared_ptr<const ClientContext>(new ClientContext(std::move(parts)));
}

}  // namespace headgate::tls
