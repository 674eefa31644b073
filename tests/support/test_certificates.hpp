// SPDX-License-Identifier: Apache-2.0
// Certificates that a test makes for itself, in memory: TestAuthority issues, by OpenSSL alone and not by the
// code under test. Thread: the test's. Link OpenSSL::Crypto.
#pragma once

#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "dataplane/core/assert.hpp"

namespace headgate::testing_support {

struct CertificateSpec {
  std::string common_name = "test";
  std::string alternative_names;  // as openssl.cnf has it: "DNS:a.example,URI:spiffe://x/y,IP:192.0.2.1"
  enum class Key { kP256, kRsa2048, kRsa1024, kEd25519 } key = Key::kP256;
  bool authority = false;
  long begins_in_s = -3600;
  long ends_in_s = 3600;
};

struct IssuedCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM, PKCS#8
};

// The DER in base64, as the PEM has it, in one line.
inline std::string base64_of(const IssuedCertificate& issued) {
  const auto begin = issued.certificate.find('\n') + 1;
  std::string text = issued.certificate.substr(begin, issued.certificate.find('-', begin) - begin);
  std::erase(text, '\n');
  return text;
}

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test CA") : TestAuthority(spec_of(name), nullptr) {}
  TestAuthority(const std::string& name, const TestAuthority& parent)
      : TestAuthority(spec_of(name), &parent) {}

  const std::string& certificate() const { return pem_.certificate; }
  const std::string& key() const { return pem_.key; }

  IssuedCertificate issue(const CertificateSpec& spec) const {
    const KeyPtr key = make_key(spec.key);
    return pem(*sign(spec, *key, certificate_.get(), *key_), *key);
  }
  static IssuedCertificate self_signed(const CertificateSpec& spec) {
    const KeyPtr key = make_key(spec.key);
    return pem(*sign(spec, *key, nullptr, *key), *key);
  }

 private:
  struct Free {
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(BIO* bio) const { BIO_free(bio); }
  };
  using X509Ptr = std::unique_ptr<X509, Free>;
  using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;
  using BioPtr = std::unique_ptr<BIO, Free>;

  TestAuthority(const CertificateSpec& spec, const TestAuthority* parent)
      : key_(make_key(spec.key)),
        certificate_(
            sign(spec, *key_, parent ? parent->certificate_.get() : nullptr, parent ? *parent->key_ : *key_)),
        pem_(pem(*certificate_, *key_)) {}

  static CertificateSpec spec_of(const std::string& name) {
    CertificateSpec spec;
    spec.common_name = name;
    spec.authority = true;
    return spec;
  }

  static KeyPtr make_key(CertificateSpec::Key key) {
    switch (key) {
      case CertificateSpec::Key::kP256:
        return KeyPtr(EVP_EC_gen("P-256"));
      case CertificateSpec::Key::kRsa2048:
        return KeyPtr(EVP_RSA_gen(2048));
      case CertificateSpec::Key::kRsa1024:
        return KeyPtr(EVP_RSA_gen(1024));
      case CertificateSpec::Key::kEd25519:
        break;
    }
    return KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }

  // `issuer` null: self-signed.
  static X509Ptr sign(const CertificateSpec& spec, EVP_PKEY& key, X509* issuer, EVP_PKEY& issuer_key) {
    X509Ptr certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    uint32_t serial = 0;
    HG_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), static_cast<long>(serial >> 1) + 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), spec.begins_in_s);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), spec.ends_in_s);
    if (!spec.common_name.empty())
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer ? issuer : certificate.get()));
    X509_set_pubkey(certificate.get(), &key);
    extend(*certificate, issuer, NID_basic_constraints, spec.authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!spec.alternative_names.empty())
      extend(*certificate, issuer, NID_subject_alt_name, spec.alternative_names);
    const bool hashes_itself = EVP_PKEY_get_base_id(&issuer_key) == EVP_PKEY_ED25519;
    HG_ASSERT(X509_sign(certificate.get(), &issuer_key, hashes_itself ? nullptr : EVP_sha256()) > 0);
    return certificate;
  }

  static void extend(X509& certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer ? issuer : &certificate, &certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    HG_ASSERT(extension);
    X509_add_ext(&certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }

  static IssuedCertificate pem(X509& certificate, EVP_PKEY& key) {
    const BioPtr certificate_text(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(certificate_text.get(), &certificate);
    const BioPtr key_text(BIO_new(BIO_s_mem()));
    PEM_write_bio_PKCS8PrivateKey(key_text.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
    return {text_of(*certificate_text), text_of(*key_text)};
  }

  static std::string text_of(BIO& bio) {
    char* begin = nullptr;
    const long length_bytes = BIO_get_mem_data(&bio, &begin);
    return {begin, static_cast<std::size_t>(length_bytes)};
  }

  KeyPtr key_;
  X509Ptr certificate_;
  IssuedCertificate pem_;
};

}  // namespace headgate::testing_support
