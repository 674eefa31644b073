// SPDX-License-Identifier: Apache-2.0
// CertificateAuthority: the installation's own. Issues short-lived certificates for servers of ours, which
// whoever has the authority's public certificate believes. Each has a key of its own, made with it. Const
// after it is made; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/core/result.hpp"
#include "dataplane/tls/certificate.hpp"

namespace headgate::tls {

struct KeyedCertificate {
  std::string certificate;  // PEM, one
  std::string key;          // PEM, PKCS#8
};

class CertificateAuthority {
 public:
  // A new one: P-256, signed by itself, for leaves only (pathlen 0); `unix_ms` is when it begins.
  static Result<CertificateAuthority> make(int64_t unix_ms);
  // Of what was stored. kInvalid where they don't belong together, or may not issue.
  static Result<CertificateAuthority> load(std::string_view certificate_pem, std::string_view key_pem);

  CertificateAuthority(CertificateAuthority&& other) noexcept;
  CertificateAuthority& operator=(CertificateAuthority&&) = delete;
  ~CertificateAuthority();

  // For a server of these names: DNS names (a wildcard as "*.example.com") and IP addresses. Begins a little
  // before `unix_ms`, for clients whose clocks are behind, and ends with the authority at the latest.
  Result<KeyedCertificate> issue_server(std::span<const std::string> names, int64_t unix_ms,
                                        std::chrono::milliseconds lifetime) const;

  const std::string& certificate() const { return own_.certificate; }  // PEM
  const std::string& private_key() const { return own_.key; }          // for sealing, and nowhere else
  const CertificateFacts& facts() const { return facts_; }

 private:
  CertificateAuthority(KeyedCertificate own, CertificateFacts facts);

  KeyedCertificate own_;
  CertificateFacts facts_;
};

// Whether a certificate can be issued for it.
bool is_server_name(std::string_view name);

}  // namespace headgate::tls
