// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/session_choice.hpp"

#include <span>

#include "dataplane/core/ascii.hpp"
#include "dataplane/core/limits.hpp"
#include "dataplane/tls/certificate_context.hpp"
#include "dataplane/tls/session_state.hpp"

namespace headgate::tls {
namespace {

// RFC 6066 section 3: a list of one host_name. Empty where it is anything else: OpenSSL refuses it later.
std::string_view host_name(std::span<const unsigned char> extension) {
  constexpr std::size_t kFrontBytes = 5;  // length of the list, type, length of the name
  if (extension.size() <= kFrontBytes || extension[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t list_bytes = static_cast<std::size_t>(extension[0]) << 8 | extension[1];
  const std::size_t name_bytes = static_cast<std::size_t>(extension[3]) << 8 | extension[4];
  if (list_bytes != extension.size() - 2 || name_bytes != extension.size() - kFrontBytes) return {};
  if (name_bytes > limits::kHostnameBytesMax) return {};
  return {reinterpret_cast<const char*>(extension.data()) + kFrontBytes, name_bytes};
}

void take_server_name(SSL* ssl, std::string& name) {
  name.clear();
  const unsigned char* extension = nullptr;
  std::size_t length_bytes = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &extension, &length_bytes) != 1) return;
  for (const char c : host_name({extension, length_bytes})) name.push_back(ascii::to_lower(c));
}

}  // namespace

int choose_certificate(SSL* ssl, int* alert, void*) {
  SessionState& state = state_of(ssl);
  take_server_name(ssl, state.server_name);
  state.choice = state.door->choose(state.server_name);
  if (!state.choice.certificate) {
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  const CertificateContext& chosen = *state.choice.certificate;
  if (SSL_get_SSL_CTX(ssl) != chosen.get()) {
    SSL_set_SSL_CTX(ssl, chosen.get());
    // What it takes along of the context before, and of that alone.
    SSL_set_verify(ssl, chosen.verify_mode(), nullptr);
    SSL_set_min_proto_version(ssl, chosen.policy().tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION);
  }
  chosen.bind_sessions(ssl, state.server_name);
  return SSL_CLIENT_HELLO_SUCCESS;
}

}  // namespace headgate::tls
