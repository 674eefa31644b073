// SPDX-License-Identifier: Apache-2.0
// ServerContext: what one listener shows to its clients: which certificates (one of each key type) serve a
// name, under its policy. A certificate that cannot be served harms the names that no other has; those get an
// alert. Immutable; made anew from the one before it, of which it keeps what has not changed. Threads: made
// by control, used by any.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/tls/server_policy.hpp"

namespace headgate::tls {

class CertificateContext;
using CertificateContextPtr = std::shared_ptr<const CertificateContext>;

class ServerContext {
 public:
  struct Made {
    std::shared_ptr<const ServerContext> context;
    std::vector<std::string> problems;  // sentences for an operator
  };
  // The first certificate serves who names no known host. `previous` may be null.
  static Made make(const ServerPolicy& policy, std::span<const ServerCertificate> certificates,
                   const ServerContext* previous);

  // By a name in lower case: exact, then wildcard (of one label, RFC 6125 section 6.4.3), then the first.
  // Null: nobody may be served under it.
  const CertificateContext* find(std::string_view name) const;
  const ServerPolicy& policy() const { return *policy_; }

 private:
  friend class ServerContextBuilder;
  std::shared_ptr<const ServerPolicy> policy_;
  std::map<std::string, CertificateContextPtr, std::less<>>
      names_;  // "a.example", "*.example"; null: an alert
  CertificateContextPtr first_;
  std::map<std::string, CertificateContextPtr, std::less<>> contexts_;  // by the certificates in them
};

}  // namespace headgate::tls
