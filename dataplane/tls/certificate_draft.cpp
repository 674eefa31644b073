// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/certificate_draft.hpp"

#include <array>
#include <ctime>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/rand.h>

namespace headgate::tls {
namespace {

using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, FreedBy<BN_free>>;

// RFC 5280 section 4.1.2.2: positive, at most 20 bytes; random, so that no two are alike without a counter.
bool set_serial(X509* certificate) {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return false;
  random[0] = static_cast<unsigned char>((random[0] & 0x7f) | 0x40);
  const NumberPtr number(BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_time(ASN1_TIME* into, int64_t unix_ms) {
  const int64_t seconds = unix_ms >= 0 ? unix_ms / 1000 : 0;
  return ASN1_TIME_set(into, static_cast<std::time_t>(seconds)) != nullptr;
}

bool set_names(X509* certificate, X509* issuer, const std::string& common_name) {
  X509_NAME* const subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) == 1;
}

bool extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

}  // namespace

X509Ptr sign(const CertificateDraft& draft, EVP_PKEY& key, X509* issuer, EVP_PKEY& issuer_key) {
  X509Ptr certificate(X509_new());
  const bool complete = certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                        set_serial(certificate.get()) &&
                        set_time(X509_getm_notBefore(certificate.get()), draft.begins_ms) &&
                        set_time(X509_getm_notAfter(certificate.get()), draft.ends_ms) &&
                        set_names(certificate.get(), issuer, draft.common_name) &&
                        X509_set_pubkey(certificate.get(), &key) == 1;
  if (!complete) return nullptr;
  for (const auto& [nid, value] : draft.extensions)
    if (!extend(certificate.get(), issuer, nid, value)) return nullptr;
  return X509_sign(certificate.get(), &issuer_key, EVP_sha256()) > 0 ? std::move(certificate) : nullptr;
}

}  // namespace headgate::tls
