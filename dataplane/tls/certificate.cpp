// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/certificate.hpp"

#include <openssl/err.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/tls/pem.hpp"
#include "dataplane/tls/x509_facts.hpp"

namespace headgate::tls {
namespace {

constexpr PemLimits kChainLimits{limits::kCertificateChainBytesMax, limits::kCertificatesPerChainMax};
constexpr PemLimits kBundleLimits{limits::kTrustBundleBytesMax, limits::kCertificatesPerBundleMax};

Error invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

bool issued_by(X509* certificate, X509* issuer) {
  EVP_PKEY* const key = X509_get0_pubkey(issuer);
  const bool issued = X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(issuer)) == 0 &&
                      key && X509_verify(certificate, key) == 1;
  ERR_clear_error();
  return issued;
}

Result<void> check_order(const std::vector<X509Ptr>& chain) {
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (issued_by(chain[i - 1].get(), chain[i].get())) continue;
    return invalid("certificate " + std::to_string(i + 1) + " of the chain (" + subject_of(chain[i].get()) +
                   ") did not issue the one before it (" + subject_of(chain[i - 1].get()) +
                   "); the leaf comes first, then its issuers");
  }
  return {};
}

}  // namespace

Result<CertificateFacts> parse_chain(std::string_view chain_pem) {
  const auto chain = read_certificates(chain_pem, kChainLimits);
  if (!chain.ok()) return chain.error();
  auto facts = facts_of(chain->front().get());
  if (!facts.ok()) return facts;
  if (auto ordered = check_order(*chain); !ordered.ok()) return std::move(ordered).error();
  return facts;
}

Result<void> check_key_matches(std::string_view chain_pem, std::string_view key_pem) {
  const auto chain = read_certificates(chain_pem, kChainLimits);
  if (!chain.ok()) return chain.error();
  const auto key = read_private_key(key_pem);
  if (!key.ok()) return key.error();
  const bool matches = X509_check_private_key(chain->front().get(), key->get()) == 1;
  ERR_clear_error();
  if (!matches) return invalid("the private key is not that of the certificate's public key");
  return {};
}

Result<std::vector<CertificateFacts>> parse_trust_bundle(std::string_view pem) {
  const auto certificates = read_certificates(pem, kBundleLimits);
  if (!certificates.ok()) return certificates.error();
  std::vector<CertificateFacts> all;
  for (const auto& certificate : *certificates) {
    auto facts = facts_of(certificate.get());
    if (!facts.ok()) return invalid(subject_of(certificate.get()) + ": " + facts.error().message);
    if (X509_check_ca(certificate.get()) == 0)
      return invalid(facts->subject + " is no certificate authority, so it proves nobody");
    all.push_back(std::move(*facts));
  }
  ERR_clear_error();
  return all;
}

Result<std::string> only_certificate(std::string_view pem) {
  const auto certificates = read_certificates(pem, {limits::kTrustBundleBytesMax, 1});
  if (!certificates.ok()) return certificates.error();
  return pem_of(*certificates->front());
}

}  // namespace headgate::tls
