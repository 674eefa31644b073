// SPDX-License-Identifier: Apache-2.0
// PEM text to OpenSSL's objects and back: bounded, strict about what stands in it, never asking for a
// passphrase. The text is an operator's or a client's: every refusal is a sentence for them. For the sources
// of this folder. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/result.hpp"
#include "dataplane/tls/handles.hpp"

namespace headgate::tls {

struct PemLimits {
  std::size_t bytes_max = 0;
  std::size_t certificates_max = 0;
};
// In the order of the text, at least one. Text between the blocks is passed over.
Result<std::vector<X509Ptr>> read_certificates(std::string_view pem, const PemLimits& bounds);
// Exactly one, not encrypted: ECDSA or RSA.
Result<KeyPtr> read_private_key(std::string_view pem);

std::string pem_of(X509& certificate);
std::string pem_of(EVP_PKEY& private_key);  // PKCS#8, not encrypted

}  // namespace headgate::tls
