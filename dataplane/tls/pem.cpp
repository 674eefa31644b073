// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tls/pem.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "dataplane/core/assert.hpp"
#include "dataplane/core/limits.hpp"

namespace headgate::tls {
namespace {

// What PEM_read_bio() allocates for one block.
struct Block {
  Block() = default;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;
  ~Block() {
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(bytes, static_cast<std::size_t>(length_bytes));
  }
  std::string_view kind() const { return name; }

  char* name = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long length_bytes = 0;
};

Error invalid(std::string message) { return {ErrorCode::kInvalid, std::move(message)}; }

// False: no block is left.
Result<bool> read_block(BIO* text, Block& block) {
  ERR_clear_error();
  if (PEM_read_bio(text, &block.name, &block.header, &block.bytes, &block.length_bytes) == 1) return true;
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = take_openssl_reason();
  if (at_end) return false;
  return invalid("a PEM block is damaged: " + reason);
}

Result<X509Ptr> certificate_of(const Block& block) {
  if (block.kind().ends_with("PRIVATE KEY"))
    return invalid("a private key stands among the certificates; it has a field of its own");
  if (block.kind() != PEM_STRING_X509 && block.kind() != PEM_STRING_X509_OLD)
    return invalid("only CERTIFICATE blocks are understood here, not " + std::string(block.kind()));
  const unsigned char* at = block.bytes;
  X509Ptr certificate(d2i_X509(nullptr, &at, block.length_bytes));
  if (!certificate || at != block.bytes + block.length_bytes) {
    ERR_clear_error();
    return invalid("a CERTIFICATE block holds no X.509 certificate");
  }
  return certificate;
}

std::string text_of(BIO* bio) {
  char* begin = nullptr;
  const long length_bytes = BIO_get_mem_data(bio, &begin);
  return {begin, static_cast<std::size_t>(length_bytes)};
}

int refuse_passphrase(char*, int, int, void*) { return -1; }

}  // namespace

Result<std::vector<X509Ptr>> read_certificates(std::string_view pem, const PemLimits& bounds) {
  if (pem.size() > bounds.bytes_max)
    return invalid("the certificates are longer than " + std::to_string(bounds.bytes_max) + " bytes");
  // Who reads the same text as a file, line by line as C does, would find other blocks in it.
  if (pem.find('\0') != std::string_view::npos) return invalid("a NUL byte stands among the certificates");
  const BioPtr text = bio_over(pem);
  std::vector<X509Ptr> certificates;
  for (;;) {
    Block block;
    const auto found = read_block(text.get(), block);
    if (!found.ok()) return found.error();
    if (!*found) break;
    if (certificates.size() == bounds.certificates_max)
      return invalid("more than " + std::to_string(bounds.certificates_max) + " certificates");
    auto certificate = certificate_of(block);
    if (!certificate.ok()) return std::move(certificate).error();
    certificates.push_back(std::move(*certificate));
  }
  if (certificates.empty()) return invalid("no certificate in PEM (-----BEGIN CERTIFICATE-----) was found");
  return certificates;
}

Result<KeyPtr> read_private_key(std::string_view pem) {
  if (pem.size() > limits::kPrivateKeyBytesMax)
    return invalid("the private key is longer than " + std::to_string(limits::kPrivateKeyBytesMax) +
                   " bytes");
  if (pem.find("ENCRYPTED") != std::string_view::npos)
    return invalid("the private key is encrypted; give it without a passphrase");
  const BioPtr text = bio_over(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(text.get(), nullptr, refuse_passphrase, nullptr));
  ERR_clear_error();
  if (!key) return invalid("no private key in PEM (-----BEGIN PRIVATE KEY-----) was found");
  const int type = EVP_PKEY_get_base_id(key.get());
  if (type != EVP_PKEY_EC && type != EVP_PKEY_RSA) return invalid("the private key is neither ECDSA nor RSA");
  return key;
}

std::string pem_of(X509& certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  HG_ASSERT(bio && PEM_write_bio_X509(bio.get(), &certificate) == 1);
  return text_of(bio.get());
}

std::string pem_of(EVP_PKEY& private_key) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));  // wiped when it is freed
  HG_ASSERT(bio && PEM_write_bio_PKCS8PrivateKey(bio.get(), &private_key, nullptr, nullptr, 0, nullptr,
                                                 nullptr) == 1);
  return text_of(bio.get());
}

}  // namespace headgate::tls
