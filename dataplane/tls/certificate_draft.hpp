// SPDX-License-Identifier: Apache-2.0
// CertificateDraft: what is to stand in a certificate, and its signing. For the sources of this folder. Pure
// but for OpenSSL's random numbers; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/tls/handles.hpp"

namespace headgate::tls {

struct CertificateDraft {
  std::string common_name;
  int64_t begins_ms = 0;  // Unix time; a certificate knows whole seconds
  int64_t ends_ms = 0;
  std::vector<std::pair<int, std::string>> extensions;  // NID, and the value as openssl.cnf writes it
};

// X.509 v3 for `key`, with a serial number of 127 random bits. `issuer` null: signed by itself. Null where
// OpenSSL refuses; its error queue says why.
X509Ptr sign(const CertificateDraft& draft, EVP_PKEY& key, X509* issuer, EVP_PKEY& issuer_key);

}  // namespace headgate::tls
