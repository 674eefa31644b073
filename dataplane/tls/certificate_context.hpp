// SPDX-License-Identifier: Apache-2.0
// CertificateContext: the SSL_CTX of one policy and one set of certificates (one a key type), with all that
// connections under it have in common, so that nothing is set once a connection but what its client chose.
// Immutable. Threads: made by control, used by any. For the sources of this folder.
#pragma once

#include <array>
#include <span>

#include "dataplane/core/result.hpp"
#include "dataplane/tls/handles.hpp"
#include "dataplane/tls/server_policy.hpp"

namespace headgate::tls {

// A chain with its key, parsed: certificates in several contexts are parsed once.
struct CertificateAndKey {
  std::vector<X509Ptr> chain;
  KeyPtr key;
};

class CertificateContext {
 public:
  // `certificates`: at most one a key type; `identity`: what sessions are bound to.
  static Result<std::shared_ptr<const CertificateContext>> make(
      std::shared_ptr<const ServerPolicy> policy, std::span<const CertificateAndKey* const> certificates,
      const std::vector<X509Ptr>& client_authorities, std::string_view identity);

  CertificateContext(std::shared_ptr<const ServerPolicy> policy, SslContextPtr context,
                     std::string_view identity);

  SSL_CTX* get() const { return context_.get(); }
  const ServerPolicy& policy() const { return *policy_; }
  int verify_mode() const;
  // Binds the sessions of `ssl` to this context and the name that its client asked for.
  void bind_sessions(SSL* ssl, std::string_view server_name) const;

 private:
  Result<void> configure(std::span<const CertificateAndKey* const> certificates,
                         const std::vector<X509Ptr>& client_authorities);

  std::shared_ptr<const ServerPolicy> policy_;
  SslContextPtr context_;
  std::string identity_;
  std::string alpn_;  // as RFC 7301 writes a list
};

}  // namespace headgate::tls
