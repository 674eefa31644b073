// SPDX-License-Identifier: Apache-2.0
// Owners of OpenSSL's objects, and what became of its last call. For the sources of this folder: no header
// that others include may include this one. Any thread; each object as its owner says.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace headgate::tls {

template <auto free_function>
struct FreedBy {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};
using BioPtr = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, FreedBy<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, FreedBy<SSL_free>>;
using SslSessionPtr = std::unique_ptr<SSL_SESSION, FreedBy<SSL_SESSION_free>>;

inline BioPtr bio_over(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// The reason of the last failure in this thread; leaves the error queue empty.
std::string take_openssl_reason();

}  // namespace headgate::tls
