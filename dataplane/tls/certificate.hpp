// SPDX-License-Identifier: Apache-2.0
// What a certificate says, as plain values: for those who check one at the API, choose one by name, or show
// when it ends. What is wrong with one is said in a sentence for an operator. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/core/result.hpp"

namespace headgate::tls {

enum class KeyType : uint8_t { kEcdsa, kRsa };

struct CertificateFacts {
  std::string subject;                 // as RFC 4514 writes it
  std::vector<std::string> dns_names;  // lower case: of the SAN, or the subject's CN where that has none
  std::vector<std::string> ip_addresses;
  std::vector<std::string> uris;
  int64_t not_before_ms = 0;  // Unix time
  int64_t not_after_ms = 0;
  KeyType key_type = KeyType::kEcdsa;
  std::string fingerprint;  // SHA-256 of the DER, 64 hex digits in lower case
};

// The leaf's facts. Each certificate of the chain must have been issued by the one behind it.
Result<CertificateFacts> parse_chain(std::string_view chain_pem);
// Whether the leaf can be served with this key. The error holds nothing of the key.
Result<void> check_key_matches(std::string_view chain_pem, std::string_view key_pem);
// Of authorities that are to be believed; the same one twice is no error.
Result<std::vector<CertificateFacts>> parse_trust_bundle(std::string_view pem);
// The one certificate in a text of somebody else's, as we write it: for a library that reads files, so that
// it believes what was looked at and nothing that stood beside it.
Result<std::string> only_certificate(std::string_view pem);

}  // namespace headgate::tls
