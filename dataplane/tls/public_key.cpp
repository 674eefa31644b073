// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/public_key.hpp"

#include <openssl/err.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/tls/pem.hpp"

namespace headgate::tls {

Result<bool> have_same_public_key(std::string_view chain_pem, std::string_view other_chain_pem) {
  constexpr PemLimits kLimits{limits::kCertificateChainBytesMax, limits::kCertificatesPerChainMax};
  const auto chain = read_certificates(chain_pem, kLimits);
  if (!chain.ok()) return chain.error();
  const auto other = read_certificates(other_chain_pem, kLimits);
  if (!other.ok()) return other.error();
  EVP_PKEY* const key = X509_get0_pubkey(chain->front().get());
  EVP_PKEY* const other_key = X509_get0_pubkey(other->front().get());
  const bool same = key != nullptr && other_key != nullptr && EVP_PKEY_eq(key, other_key) == 1;
  ERR_clear_error();
  return same;
}

}  // namespace headgate::tls
