// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/peer_identity.hpp"

#include <algorithm>

#include <openssl/err.h>

#include "dataplane/core/limits.hpp"
#include "dataplane/tls/digest.hpp"
#include "dataplane/tls/x509_facts.hpp"

namespace headgate::tls {
namespace {

std::string der_of(X509* certificate) {
  std::string der(static_cast<std::size_t>(std::max(i2d_X509(certificate, nullptr), 0)), '\0');
  auto* at = reinterpret_cast<unsigned char*>(der.data());
  if (!der.empty()) i2d_X509(certificate, &at);
  return der;
}

std::string_view text_in(const GENERAL_NAME& name) {
  switch (name.type) {
    case GEN_URI:
      return text_of(name.d.uniformResourceIdentifier);
    case GEN_DNS:
      return text_of(name.d.dNSName);
    case GEN_EMAIL:
      return text_of(name.d.rfc822Name);
    default:
      return {};
  }
}

std::string own_name_of(X509* certificate) {
  const NamesPtr names = alternative_names(certificate);
  for (const int type : {GEN_URI, GEN_DNS, GEN_EMAIL})
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
      const GENERAL_NAME& name = *sk_GENERAL_NAME_value(names.get(), i);
      if (name.type == type && !text_in(name).empty()) return std::string(text_in(name));
    }
  return subject_of(certificate);
}

}  // namespace

PeerIdentity identity_of(X509* certificate) {
  PeerIdentity identity{.name = own_name_of(certificate),
                        .common_name = common_name_of(certificate),
                        .fingerprint = sha256_hex(der_of(certificate))};
  if (identity.name.size() > limits::kPeerNameBytesMax) identity.name.resize(limits::kPeerNameBytesMax);
  ERR_clear_error();
  return identity;
}

std::string byte_sequence_of(X509* certificate) {
  const std::string der = der_of(certificate);
  std::string text((der.size() + 2) / 3 * 4 + 2, ':');
  // It ends with a NUL, where the second colon goes.
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()) + 1,
                  reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(der.size()));
  text.back() = ':';
  ERR_clear_error();
  return text;
}

}  // namespace headgate::tls
